using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Engine;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Engine;

/// <summary>Commands that fail, and what becomes of those behind them.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class InboxTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 12).ToArray(), MaxTokens = 5, IgnoreEndOfText = true };

    [Test]
    public void Commands_come_out_one_by_one_and_what_is_posted_meanwhile_comes_next_time()
    {
        var inbox = new Inbox();
        var first = new Noted();
        var second = new Noted();
        inbox.TryPost(first);
        inbox.BeginBatch();
        inbox.TryPost(second);
        Assert.That(inbox.TryTake(out EngineCommand? taken) ? taken : null, Is.SameAs(first));
        Assert.That(inbox.TryTake(out _), Is.False);

        inbox.BeginBatch();
        Assert.That(inbox.TryTake(out taken) ? taken : null, Is.SameAs(second));
    }

    [Test]
    public void A_closed_inbox_still_has_what_was_left_of_a_batch_and_takes_nothing_more()
    {
        var inbox = new Inbox();
        Noted[] commands = [new(), new(), new()];
        inbox.TryPost(commands[0]);
        inbox.TryPost(commands[1]);
        inbox.BeginBatch();
        inbox.TryTake(out _);
        inbox.TryPost(commands[2]);
        inbox.Close();

        Assert.That(inbox.TryPost(new Noted()), Is.False);
        var left = new List<EngineCommand>();
        while (inbox.TryTake(out EngineCommand? command))
        {
            left.Add(command);
        }

        Assert.That(left, Is.EqualTo(commands[1..]));
    }

    [Test]
    public async Task A_command_that_fails_ends_the_engine_and_everybody_behind_it_is_told()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        Answer running = engine.Ask(Question with { MaxTokens = 200 });
        engine.Loop.Step();
        var failing = new Noted { Error = new IOException("The books are wrong.") };
        engine.Loop.Port.Post(failing);
        Answer behind = engine.Ask(Question);
        Task<bool> unpinned = engine.Adapters.UnpinAsync("qv");
        Task<EvictedAdapter> evicted = engine.Adapters.EvictAsync("qv");
        var logged = new List<Exception>();

        await using (new EngineThread(engine.Loop, EngineThread.StartThread, logged.Add))
        {
            foreach (Task task in new[] { running.Completion, behind.Completion, unpinned, evicted })
            {
                await Assert.ThatAsync(() => task.WaitAsync(TimeSpan.FromMinutes(3)), Throws.TypeOf<EngineFaultedException>());
            }
        }

        Assert.That(failing.Reason, Is.TypeOf<EngineFaultedException>());
        Assert.That(logged, Is.EqualTo(new[] { failing.Error }));
        Assert.That((running.Stream.FinishReason, behind.Stream.FinishReason), Is.EqualTo((FinishReason.Failed, FinishReason.Failed)));
    }

    [Test]
    public async Task Streams_end_even_if_the_books_cannot_be_closed()
    {
        using var engine = new SteppedEngine(builder => builder.CheckInvariants(false));
        Answer[] answers = [.. Enumerable.Range(0, 3).Select(i => engine.Ask(Question with { MaxTokens = 200 }))];
        engine.Loop.Step();
        var logged = new List<Exception>();

        // A sequence that gives pages back which are not its own: returning it fails, and so would all behind it.
        engine.Loop.Running[0].Table.Release();
        ((List<Sequence>)engine.Loop.Running).Insert(0, null!);
        await using (new EngineThread(engine.Loop, EngineThread.StartThread, logged.Add))
        {
            foreach (Answer answer in answers)
            {
                await Assert.ThatAsync(() => answer.Completion.WaitAsync(TimeSpan.FromMinutes(3)), Throws.TypeOf<EngineFaultedException>());
            }
        }

        Assert.That(logged, Has.Count.EqualTo(2), "what failed, and what failed at the end");
        ((List<Sequence>)engine.Loop.Running).Clear();
    }

    [Test]
    public void Content_that_cannot_be_kept_fails_those_who_wait_for_it_and_nobody_else()
    {
        using var engine = new SteppedEngine();
        engine.Register(new SpentPackage("a", SteppedEngine.AdapterFolder("qv")));

        Answer asked = engine.Ask(Question with { Adapter = "a" });
        Answer other = engine.Ask(Question);
        engine.Finish(asked, other);

        Assert.That(asked.Error, Is.TypeOf<AdapterLoadException>().With.InnerException.TypeOf<OutOfMemoryException>());
        Assert.That(other.Tokens, Has.Count.EqualTo(5));
    }

    /// <summary>A package that fails when its content has been taken over.</summary>
    private sealed class SpentPackage(string name, string folder) : AdapterPackage(name)
    {
        private readonly AdapterFolder _folder = new(name, folder);

        public override AdapterReader Open(PacedLoad? load = null) => _folder.Open(load);

        public override void Release() => throw new OutOfMemoryException();
    }

    private sealed class Noted : EngineCommand
    {
        public Exception? Error { get; init; }

        public Exception? Reason { get; private set; }

        public override void Apply(EngineLoop loop)
        {
            if (Error is not null)
            {
                throw Error;
            }
        }

        public override void Abandon(Exception reason) => Reason = reason;
    }
}
