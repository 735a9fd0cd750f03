using NUnit.Framework;
using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Core.Tests.Engine;
using SLoRA.Engine;

namespace SLoRA.Core.Tests.Adapters.Resident;

[Parallelizable(ParallelScope.All)]
public sealed class LeaseTests
{
    [Test]
    public void It_counts_for_the_adapter_its_content_and_its_holder_until_it_is_returned()
    {
        using var parts = new ResidentParts();
        AdapterRegistration a = parts.Add("a", 1);
        AdapterRegistration b = parts.Add("b", 1);
        Generation generation = a.Generation!;
        Assert.That(b.Generation, Is.SameAs(generation));

        Lease first = parts.Lease(a);
        Lease second = parts.Lease(a);
        Lease other = parts.Lease(b);
        Assert.That((a.Leases, b.Leases, generation.Leases, parts.Leases.Held), Is.EqualTo((2, 1, 3, 3)));

        first.Use();
        other.Use();
        Assert.That((first.IsUsed, second.IsUsed, generation.Users, generation.IsIdle), Is.EqualTo((true, false, 2, false)));
        first.EndUse();
        Assert.That((first.IsUsed, generation.Users), Is.EqualTo((false, 1)));

        other.Return();
        Assert.That((b.Leases, generation.Leases, generation.Users, parts.Leases.Held), Is.EqualTo((0, 2, 0, 2)), "used or not");
        first.Return();
        second.Return();
        Assert.That((a.Leases, generation.Leases, generation.IsIdle, parts.Leases.Held), Is.EqualTo((0, 0, true, 0)));
    }

    [Test]
    public void One_that_was_taken_before_the_content_came_counts_for_it_when_it_comes()
    {
        using var parts = new ResidentParts();
        AdapterRegistration registration = ResidentParts.Registration("a");
        parts.Names.Register(registration, null, replace: false);
        Lease lease = parts.Lease(registration);
        Assert.That(lease.HasContent, Is.False);

        parts.Generations.Attach(registration, ResidentParts.Image(1));

        Assert.That((lease.HasContent, lease.Generation!.Leases), Is.EqualTo((true, 1)));
        parts.Generations.Return(lease);
        Assert.That(registration.Generation!.Leases, Is.Zero);
    }

    [Test]
    public void Whatever_is_done_twice_is_refused_and_changes_nothing()
    {
        using var parts = new ResidentParts();
        AdapterRegistration registration = parts.Add("twice", 1);
        Lease lease = parts.Lease(registration);
        Refuses(lease.EndUse, "released");
        lease.Use();
        Refuses(lease.Use, "used");
        Assert.That(registration.Generation!.Users, Is.EqualTo(1));

        lease.Return();
        Refuses(lease.Return, "returned");
        Refuses(lease.Use, "used");
        Refuses(lease.EndUse, "released");

        Assert.That((registration.Leases, registration.Generation.Leases, registration.Generation.Users, parts.Leases.Held),
            Is.EqualTo((0, 0, 0, 0)));

        static void Refuses(Action action, string what) =>
            Assert.That(action, Throws.InvalidOperationException.With.Message.Contains("'twice'").And.Message.Contains(what));
    }

    [Test]
    public void Content_that_has_not_been_read_cannot_be_used()
    {
        using var parts = new ResidentParts();
        AdapterRegistration registration = ResidentParts.Registration("a");
        Lease lease = parts.Lease(registration);

        Assert.That(lease.Use, Throws.InvalidOperationException);
        lease.Return();
    }

    /// <summary>Whatever happens to registrations, a content counts what they say of themselves.</summary>
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void A_content_counts_what_its_registrations_say(int seed)
    {
        using var parts = new ResidentParts();
        var random = new Random(seed);
        AdapterRegistration[] all = [.. Enumerable.Range(0, 6).Select(i => ResidentParts.Registration("n" + i, canReadAgain: i % 3 > 0))];
        Generation[] contents = [.. Enumerable.Range(1, 2).Select(Content)];
        List<(Lease Lease, Generation? Used)> leases = [];
        for (int i = 0; i < 2000; i++)
        {
            AdapterRegistration registration = all[random.Next(all.Length)];
            int at = random.Next(Math.Max(1, leases.Count));
            switch (random.Next(8))
            {
                case 0:
                    leases.Add((parts.Lease(registration), null));
                    break;
                case 1 when leases.Count > 0:
                    leases[at].Lease.Return();
                    leases.RemoveAt(at);
                    break;
                case 2 when leases.Count > 0 && leases[at] is { Used: null, Lease.Generation: { } used }:
                    leases[at].Lease.Use();
                    leases[at] = (leases[at].Lease, used);
                    break;
                case 3 when leases.Count > 0 && leases[at].Used is not null:
                    leases[at].Lease.EndUse();
                    leases[at] = (leases[at].Lease, null);
                    break;
                case 4:
                    bool wasPinned = registration.IsPinned;
                    Assert.That(registration.Pin(), Is.Not.EqualTo(wasPinned));
                    break;
                case 5:
                    registration.Unpin();
                    break;
                case 6 when registration.IsNamed:
                    registration.LoseName();
                    break;
                case 6:
                    registration.TakeName();
                    break;
                default:
                    registration.Attach(random.Next(3) is > 0 and var content ? contents[content - 1] : null);
                    break;
            }

            foreach (Generation content in contents)
            {
                AdapterRegistration[] own = [.. all.Where(other => other.Generation == content)];
                Assert.That((content.Registrations, content.FixedRegistrations, content.NamelessRegistrations),
                    Is.EqualTo((own.Length, own.Count(other => !other.CanReadAgain), own.Count(other => !other.IsNamed))));
                Assert.That((content.Pins, content.Leases, content.Users),
                    Is.EqualTo((own.Count(other => other.IsPinned), leases.Count(held => own.Contains(held.Lease.Registration)),
                        leases.Count(held => held.Used == content))));
            }
        }

        Assert.That(parts.Leases.Held, Is.EqualTo(leases.Count));

        static Generation Content(int number)
        {
            using PageImage image = ResidentParts.Image((byte)number);
            return new Generation(image.Id, image.Directory, number);
        }
    }

    [Test]
    public void One_that_nobody_returns_is_found_in_the_step_that_leaks()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        var question = new GenerationRequest { Prompt = new[] { 7, 8, 9 }, MaxTokens = 20, IgnoreEndOfText = true, Adapter = "qv" };
        Answer answer = engine.Ask(question);
        engine.Loop.Step();
        var leaked = new Lease(engine.Loop.Names.Find("qv"), 1, new LeaseCount());
        leaked.Use();

        Assert.That(InvariantValidator.Violations(engine.Loop.Snapshot()),
            Has.One.Contains("on adapter 'qv', which counts 2").And.One.Contains("use generation 1, which counts 2"));
        Assert.That(() => engine.Loop.Step(), Throws.InvalidOperationException);
        leaked.Return();
        engine.Finish(answer);
    }
}
