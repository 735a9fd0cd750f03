using NUnit.Framework;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Engine;

[Parallelizable(ParallelScope.All)]
internal sealed class ActiveRequestsTests
{
    private static readonly GenerationRequest Question = new() { Prompt = Enumerable.Range(3, 20).ToArray(), MaxTokens = 5 };

    [Test]
    public void A_request_that_is_taken_in_waits_is_found_by_its_stream_and_holds_its_adapter()
    {
        using var scene = new RequestScene();
        int leases = scene.Registration.Leases;
        Sequence sequence = scene.Add(Question with { Adapter = "r1" });

        Assert.That(scene.Requests.Running, Is.Empty);
        Assert.That(scene.Queue.Count, Is.EqualTo(1));
        Assert.That(scene.Requests.Find(sequence.Request.Stream), Is.SameAs(sequence.Request));
        Assert.That((scene.Requests.Leases, scene.Registration.Leases - leases), Is.EqualTo((1, 1)));
    }

    [Test]
    public void Who_is_admitted_runs_in_the_order_of_arrival_with_all_its_pages_promised()
    {
        using var scene = new RequestScene();
        Sequence[] sequences = [.. Enumerable.Range(0, 3).Select(_ => scene.Add(Question))];
        scene.Requests.Admit();

        Assert.That(scene.Requests.Running, Is.EqualTo(sequences));
        Assert.That(scene.Queue.Count, Is.Zero);

        // 20 tokens of the prompt and 4 of the answer are computed: two pages of 16 tokens each.
        Assert.That(scene.Pool.Reserved, Is.EqualTo(3 * 2));
    }

    [Test]
    public void A_continuation_stands_behind_those_of_its_request_shares_full_pages_and_holds_the_adapter_too()
    {
        using var scene = new RequestScene();
        Sequence first = scene.Run(Question with { Adapter = "r1", Continuations = 3 });
        Sequence later = scene.Run(Question);
        first.Advance(1);
        Sequence second = scene.Requests.Fork(first);
        Sequence third = scene.Requests.Fork(first);

        Assert.That(scene.Requests.Running, Is.EqualTo(new[] { first, second, third, later }));
        Assert.That((second.Continuation, third.Continuation, first.PendingForks), Is.EqualTo((1, 2, 0)));
        Assert.That(second.Table.Pages[0], Is.EqualTo(first.Table.Pages[0]), "16 of 20 tokens fill a page");
        Assert.That(second.Table.Pages[1], Is.Not.EqualTo(first.Table.Pages[1]), "the page that each goes on in is its own");
        Assert.That(scene.Pool.OwnersOf(first.Table.Pages[0]), Is.EqualTo(3));
        Assert.That((scene.Requests.Leases, first.Request.Open), Is.EqualTo((3, 3)));
    }

    [Test]
    public void Those_that_have_ended_are_taken_out_and_the_others_keep_their_order()
    {
        using var scene = new RequestScene();
        Sequence[] sequences = [.. Enumerable.Range(0, 4).Select(_ => scene.Run(Question))];
        sequences[0].Finish(FinishReason.Length);
        sequences[2].Finish(FinishReason.Cancelled);
        List<Sequence> ended = [];
        scene.Requests.TakeEnded(ended);

        Assert.That(ended, Is.EqualTo(new[] { sequences[0], sequences[2] }));
        Assert.That(scene.Requests.Running, Is.EqualTo(new[] { sequences[1], sequences[3] }));
    }
}
