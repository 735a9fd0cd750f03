using NUnit.Framework;
using SLoRA.Engine;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Engine;

[Parallelizable(ParallelScope.All)]
internal sealed class RequestEndingsTests
{
    private static readonly GenerationRequest Question = new() { Prompt = Enumerable.Range(3, 20).ToArray(), MaxTokens = 5 };

    [Test]
    public void What_a_running_request_held_is_returned_before_its_stream_is_told()
    {
        using var scene = new RequestScene();
        int leases = scene.Registration.Leases;
        Sequence sequence = scene.Run(Question with { Adapter = "r1" });
        GenerationStream stream = sequence.Request.Stream;
        scene.Endings.Cancel(stream);
        Assert.That(scene.Pool.Free, Is.LessThan(scene.Pool.Total));

        Assert.That(scene.Endings.Return(), Is.True);
        Assert.That(
            (scene.Pool.Free, scene.Pool.Reserved), Is.EqualTo((scene.Pool.Total, 0)), "nothing of the adapter had been copied yet");
        Assert.That((scene.Requests.Leases, scene.Registration.Leases - leases), Is.EqualTo((0, 0)));
        Assert.That((scene.Endings.Ended, stream.FinishReason), Is.EqualTo((1, (FinishReason?)null)));

        scene.Endings.Complete();
        Assert.That(stream.FinishReason, Is.EqualTo(FinishReason.Cancelled));
        Assert.That(scene.Requests.Find(stream), Is.Null);
        Assert.That(scene.Endings.Return(), Is.False);
    }

    [Test]
    public void One_that_waits_leaves_the_queue_at_once_and_is_returned_with_the_next()
    {
        using var scene = new RequestScene();
        Sequence leaving = scene.Add(Question);
        Sequence staying = scene.Add(Question);
        scene.Endings.Cancel(leaving.Request.Stream);

        Assert.That(scene.Queue.InOrder(), Is.EqualTo(new[] { staying }));
        Assert.That(scene.Endings.HasLeft, Is.True);
        Assert.That(scene.Endings.Return(), Is.True);
        Assert.That(scene.Endings.HasLeft, Is.False);
    }

    /// <summary>A crowd that is cancelled at once must not hold up those who run: so many are returned as commands are taken.</summary>
    [Test]
    public void Of_many_that_leave_the_queue_a_batch_is_returned_at_a_time()
    {
        using var scene = new RequestScene();
        Sequence[] crowd = [.. Enumerable.Range(0, Inbox.Batch + 1).Select(_ => scene.Add(Question))];
        foreach (Sequence sequence in crowd)
        {
            scene.Endings.Cancel(sequence.Request.Stream);
        }

        scene.Endings.Return();
        Assert.That((scene.Endings.Ended, scene.Endings.HasLeft), Is.EqualTo((Inbox.Batch, true)));
        scene.Endings.Return();
        Assert.That((scene.Endings.Ended, scene.Endings.HasLeft), Is.EqualTo((Inbox.Batch + 1, false)));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void The_first_ending_stays_with_its_error_or_without(bool isCancelledFirst)
    {
        using var scene = new RequestScene();
        RequestState request = scene.Run(Question).Request;
        Action[] endings =
            [() => scene.Endings.Cancel(request.Stream), () => scene.Endings.Fail(request, new FormatException("The hook is broken."))];
        foreach (Action end in isCancelledFirst ? endings : endings.Reverse())
        {
            end();
        }

        scene.Endings.EndAll(FinishReason.Disposed, new EngineDisposedException());
        scene.Endings.Return();
        scene.Endings.Complete();
        Assert.That(request.Stream.FinishReason, Is.EqualTo(isCancelledFirst ? FinishReason.Cancelled : FinishReason.Failed));
        Assert.That(request.Error, isCancelledFirst ? Is.Null : Is.TypeOf<FormatException>());
    }

    [Test]
    public void A_request_ends_with_the_last_of_its_continuations_and_each_has_its_own_reason()
    {
        using var scene = new RequestScene();
        Sequence first = scene.Run(Question with { Continuations = 2 });
        first.Advance(1);
        Sequence second = scene.Requests.Fork(first);
        first.Finish(FinishReason.Length);
        scene.Endings.Return();
        scene.Endings.Complete();
        Assert.That((scene.Endings.Ended, first.Request.Stream.FinishReason), Is.EqualTo((0, (FinishReason?)null)));

        second.Finish(FinishReason.StopToken);
        scene.Endings.Return();
        scene.Endings.Complete();
        Assert.That(first.Request.Stream.FinishReasons, Is.EqualTo(new[] { FinishReason.Length, FinishReason.StopToken }));
    }

    [Test]
    public void Only_those_who_wait_for_an_adapter_fail_with_it_and_each_has_an_error_of_its_own()
    {
        using var scene = new RequestScene();
        Sequence[] waiting = [.. Enumerable.Range(0, 2).Select(_ => scene.Add(Question with { Adapter = "r1" }))];
        Sequence other = scene.Add(Question);
        scene.Endings.FailWaitingFor(scene.Registration, new AdapterLoadException("r1", LoadErrorKind.File, "cannot be read", null));

        Assert.That(waiting.Select(sequence => sequence.Request.Error), Is.All.TypeOf<AdapterLoadException>());
        Assert.That(waiting.Select(sequence => sequence.Request.Error), Is.Unique);
        Assert.That((other.Finished, other.Request.Error), Is.EqualTo(((FinishReason?)null, (Exception?)null)));
    }
}
