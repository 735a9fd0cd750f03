using NUnit.Framework;
using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;

namespace SLoRA.Core.Tests.Adapters.Resident;

[Parallelizable(ParallelScope.All)]
public sealed class AdapterNamesTests
{
    [Test]
    public void A_name_that_is_taken_stays_with_who_has_it_unless_it_is_replaced()
    {
        using var parts = new ResidentParts();
        AdapterRegistration first = parts.Add("a", 1);
        AdapterRegistration second = ResidentParts.Registration("a");
        PageImage refused = ResidentParts.Image(2);
        Assert.That(() => parts.Names.Register(second, refused, replace: false),
            Throws.TypeOf<AdapterExistsException>().With.Message.Contains("'a'"));
        Assert.That((parts.Names.Find("a"), second.IsNamed, parts.Generations.Count), Is.EqualTo((first, false, 1)));
        Assert.That(() => refused.Page(0).ToArray(), Throws.TypeOf<ObjectDisposedException>());

        parts.Names.Register(second, ResidentParts.Image(2), replace: true);

        Assert.That((parts.Names.Find("a"), first.IsNamed, second.IsNamed), Is.EqualTo((second, false, true)));
        Assert.That((first.Generation is null, parts.Generations.Count), Is.EqualTo((true, 1)), "nobody held the old one");
    }

    [Test]
    public void What_a_lease_holds_outlives_its_name_and_goes_with_the_lease()
    {
        using var parts = new ResidentParts();
        AdapterRegistration registration = parts.Add("a", 1);
        registration.Pin();
        Lease lease = parts.Lease(registration);

        Assert.That(parts.Names.Unregister("a"), Is.True);
        Assert.That(parts.Names.Unregister("a"), Is.False);
        Assert.That((lease.HasContent, lease.Generation!.NamelessRegistrations, registration.IsPinned), Is.EqualTo((true, 1, false)));
        parts.Generations.Return(lease);

        Assert.That((registration.Generation is null, parts.Generations.Count, parts.Store.Bytes), Is.EqualTo((true, 0, 0L)));
    }

    [Test]
    public void Forgetting_what_has_lost_its_name_takes_it_from_nobody_else()
    {
        using var parts = new ResidentParts();
        AdapterRegistration old = parts.Add("a", 1);
        AdapterRegistration current = ResidentParts.Registration("a");
        parts.Names.Register(current, null, replace: true);

        parts.Names.Forget(old);

        Assert.That(parts.Names.Find("a"), Is.SameAs(current));
    }

    [Test]
    public void Without_a_source_an_unknown_name_is_refused_wherever_it_stands()
    {
        using var parts = new ResidentParts();
        parts.Add("known", 1);
        var both = new GenerationRequest { Prompt = new[] { 1 }, Adapters = [new("known", 1), new("unknown", 1)] };

        Assert.That(() => parts.Names.Find("unknown"), Throws.TypeOf<AdapterNotFoundException>().With.Message.Contains("'unknown'"));
        Assert.That(() => parts.Names.Check(both), Throws.TypeOf<AdapterNotFoundException>());
        Assert.That(() => parts.Names.Check(both with { Adapters = [], Adapter = "unknown" }), Throws.TypeOf<AdapterNotFoundException>());
        Assert.That(() => parts.Names.Resolve(both), Throws.TypeOf<AdapterNotFoundException>());
        Assert.That(() => parts.Names.Check(both with { Adapters = [new("known", 1)] }), Throws.Nothing);
        Assert.That(parts.Names.Current.Keys, Is.EqualTo(new[] { "known" }));
    }

    [Test]
    public void A_request_is_bound_to_what_its_names_stand_for_with_its_weights_in_its_order()
    {
        using var parts = new ResidentParts();
        AdapterRegistration a = parts.Add("a", 1);
        AdapterRegistration b = parts.Add("b", 2);
        var request = new GenerationRequest { Prompt = new[] { 1 }, Adapters = [new("b", 0.5f), new("a", -2), new("b", 3)] };

        Assert.That(parts.Names.Resolve(request),
            Is.EqualTo(new BoundAdapter[] { new(b, 0.5f), new(a, -2), new(b, 3) }));
        Assert.That(parts.Names.Resolve(request with { Adapters = [], Adapter = "a" }), Is.EqualTo(new BoundAdapter[] { new(a, 1) }));
        Assert.That(parts.Names.Resolve(request with { Adapters = [] }), Is.Empty);
        Assert.That((a.Leases, b.Leases), Is.EqualTo((0, 0)), "nobody holds them yet");
    }

    [Test]
    public void What_the_source_has_still_to_be_asked_for_is_bound_but_not_registered()
    {
        using var parts = new ResidentParts(mostFromSource: 4);
        AdapterRegistration asked = parts.Names.Find("x");

        Assert.That(parts.Names.Find("x"), Is.SameAs(asked), "those who come together ask once");
        Assert.That((asked.IsFromSource, parts.Names.Contains("x")), Is.EqualTo((true, false)));
        Assert.That(AdapterStatus.Of(asked, parts.Clock), Is.Null);
        asked.NoteAnswer(ResidentParts.Registration("x", pages: 3).Headers);
        Assert.That(parts.Names.Contains("x"), Is.True);
        Assert.That(AdapterStatus.Of(asked, parts.Clock)!.Pages, Is.EqualTo(3));
    }

    [Test]
    public void Names_of_the_source_are_forgotten_when_there_are_too_many_those_used_longest_ago_first()
    {
        using var parts = new ResidentParts(mostFromSource: 3);
        parts.Add("own", 1);
        AdapterRegistration[] found = [.. new[] { "leased", "pinned", "old" }.Select(Find)];
        Lease lease = parts.Lease(found[0]);
        found[1].Pin();

        Find("new");
        Assert.That(parts.Names.Current.Keys, Is.EquivalentTo(new[] { "own", "leased", "pinned", "new" }));
        Find("newer");
        Assert.That(parts.Names.Current.Keys, Is.EquivalentTo(new[] { "own", "leased", "pinned", "newer" }));

        lease.Return();
        Find("newest");
        Assert.That(parts.Names.Current.Keys, Is.EquivalentTo(new[] { "own", "newest", "pinned", "newer" }));

        AdapterRegistration Find(string name)
        {
            parts.Clock.Advance(TimeSpan.FromSeconds(1));
            return parts.Names.Find(name);
        }
    }
}
