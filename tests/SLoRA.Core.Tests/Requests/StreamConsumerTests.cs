using System.Runtime.CompilerServices;
using NUnit.Framework;
using SLoRA.Core.Tests.Engine;
using SLoRA.Requests;

namespace SLoRA.Core.Tests.Requests;

/// <summary>What ties a consumer to its stream: tokens that are cancelled, and enumerators that are dropped.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class StreamConsumerTests
{
    private static readonly GenerationRequest Long =
        new() { Prompt = Enumerable.Range(7, 12).ToArray(), MaxTokens = 200, IgnoreEndOfText = true };

    [TestCase(true, true)]
    [TestCase(true, false)]
    [TestCase(false, true)]
    [TestCase(false, false)]
    public async Task A_cancellation_carries_the_token_that_was_cancelled(bool ofTheRequest, bool before)
    {
        using var engine = new SteppedEngine();
        using var request = new CancellationTokenSource();
        using var enumeration = new CancellationTokenSource();
        CancellationTokenSource meant = ofTheRequest ? request : enumeration;
        if (before)
        {
            meant.Cancel();
        }

        GenerationStream stream = engine.Stream(Long, request.Token);
        Task enumerated = EnumerateAsync(stream, enumeration.Token);
        meant.Cancel();
        engine.Loop.Step();

        var error = (await Assert.ThrowsAsync<OperationCanceledException>(() => enumerated))!;
        Assert.That(error.CancellationToken, Is.EqualTo(meant.Token));
        Assert.That(stream.FinishReason, Is.EqualTo(FinishReason.Cancelled));
    }

    [Test]
    public void An_enumerator_that_is_dropped_without_disposal_cancels_its_request_when_it_is_collected()
    {
        using var engine = new SteppedEngine();
        GenerationStream stream = engine.Stream(Long);
        Drop(engine, stream);
        for (int i = 0; i < 50 && stream.FinishReason is null; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            engine.Loop.Step();
        }

        Assert.That(stream.FinishReason, Is.EqualTo(FinishReason.Cancelled));
        Assert.That(engine.Status.Running, Is.Zero);
    }

    [Test]
    public void A_consumer_that_waits_is_not_collected()
    {
        using var engine = new SteppedEngine();
        GenerationStream stream = engine.Stream(Long);
        Task enumerated = EnumerateAsync(stream, default);
        for (int i = 0; i < 5; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            engine.Loop.Step();
        }

        Assert.That(stream.FinishReason, Is.Null);
        Assert.That(enumerated.IsCompleted, Is.False);
    }

    [Test]
    public async Task A_second_move_before_the_first_has_ended_is_that_callers_error_and_nobody_elses()
    {
        using var engine = new SteppedEngine();
        GenerationStream stream =
            engine.Stream(new GenerationRequest { Prompt = new[] { 5, 6, 7 }, MaxTokens = 3, IgnoreEndOfText = true });
        IAsyncEnumerator<GeneratedToken> tokens = stream.GetAsyncEnumerator();
        ValueTask<bool> first = tokens.MoveNextAsync();

        Assert.That(async () => await tokens.MoveNextAsync(), Throws.InvalidOperationException);

        engine.StepUntil(() => stream.FinishReason is not null);
        Assert.That(await first, Is.True);
        Assert.That(
            (await tokens.MoveNextAsync(), await tokens.MoveNextAsync(), await tokens.MoveNextAsync()), Is.EqualTo((true, true, false)));
        await tokens.DisposeAsync();
        Assert.That(await tokens.MoveNextAsync(), Is.False, "after the end");
    }

    [Test]
    public void Disposing_twice_does_nothing_more_even_before_the_first_move()
    {
        using var engine = new SteppedEngine();
        IAsyncEnumerator<GeneratedToken> tokens =
            engine.Stream(new GenerationRequest { Prompt = new[] { 5, 6, 7 }, MaxTokens = 3 }).GetAsyncEnumerator();

        Assert.That(
            (tokens.DisposeAsync().IsCompletedSuccessfully, tokens.DisposeAsync().IsCompletedSuccessfully), Is.EqualTo((true, true)));
    }

    [Test]
    public async Task Disposing_while_a_move_is_under_way_ends_the_request()
    {
        using var engine = new SteppedEngine();
        GenerationStream stream =
            engine.Stream(new GenerationRequest { Prompt = new[] { 5, 6, 7 }, MaxTokens = 200, IgnoreEndOfText = true });
        IAsyncEnumerator<GeneratedToken> tokens = stream.GetAsyncEnumerator();
        Task<bool> first = tokens.MoveNextAsync().AsTask();
        Task disposed = tokens.DisposeAsync().AsTask();
        engine.StepUntil(() => stream.FinishReason is not null);

        await Assert.ThatAsync(() => first, Throws.InstanceOf<OperationCanceledException>());
        await disposed;
        Assert.That((engine.Status.Running, engine.Status.Queue.Total), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Disposing_while_the_request_is_just_being_handed_in_ends_it()
    {
        using var engine = new SteppedEngine();
        var port = new InterruptedPort(engine.Loop.Port);
        var stream = new GenerationStream(port, Long, 200, default);
        IAsyncEnumerator<GeneratedToken> tokens = stream.GetAsyncEnumerator();
        Task disposed = Task.CompletedTask;
        port.BeforeSubmission = () => disposed = tokens.DisposeAsync().AsTask();
        Task<bool> first = tokens.MoveNextAsync().AsTask();
        for (int i = 0; i < 20 && stream.FinishReason is null; i++)
        {
            engine.Loop.Step();
        }

        Assert.That(stream.FinishReason, Is.EqualTo(FinishReason.Cancelled));
        await Assert.ThatAsync(() => first, Throws.InstanceOf<OperationCanceledException>());
        await disposed;
    }

    [Test]
    public async Task Disposing_while_the_request_is_just_being_refused_comes_to_its_end()
    {
        using var engine = new SteppedEngine();
        var port = new InterruptedPort(engine.Loop.Port);
        var stream = new GenerationStream(port, Long, 200, default);
        IAsyncEnumerator<GeneratedToken> tokens = stream.GetAsyncEnumerator();
        Task disposed = Task.CompletedTask;
        port.BeforeSubmission = () =>
        {
            disposed = tokens.DisposeAsync().AsTask();
            throw new EngineBusyException(1);
        };

        await Assert.ThatAsync(() => tokens.MoveNextAsync().AsTask(), Throws.TypeOf<EngineBusyException>());
        Assert.That(disposed.IsCompletedSuccessfully, Is.True);
    }

    [Test]
    public async Task A_request_that_is_refused_when_it_is_handed_in_has_ended()
    {
        using var engine = new SteppedEngine();
        _ = engine.Loop.Port.DrainAsync();
        GenerationStream stream = engine.Stream(Long with { Continuations = 2 });

        await Assert.ThatAsync(() => EnumerateAsync(stream, default), Throws.TypeOf<EngineDrainingException>());
        Assert.That(stream.FinishReason, Is.EqualTo(FinishReason.Failed));
        Assert.That(stream.FinishReasons, Is.EqualTo(new[] { FinishReason.Failed, FinishReason.Failed }));
        Assert.That(stream.Usage!.GeneratedTokens, Is.Zero);
    }

    private static async Task EnumerateAsync(GenerationStream stream, CancellationToken cancellation)
    {
        await foreach (GeneratedToken _ in stream.WithCancellation(cancellation))
        {
        }
    }

    /// <summary>Takes a token and forgets the enumerator.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Drop(SteppedEngine engine, GenerationStream stream)
    {
        IAsyncEnumerator<GeneratedToken> enumerator = stream.GetAsyncEnumerator();
        ValueTask<bool> first = enumerator.MoveNextAsync();
        while (!first.IsCompleted)
        {
            engine.Loop.Step();
        }

        Assert.That(first.Result, Is.True);
        Assert.That(engine.Loop.Running, Has.Count.EqualTo(1));
        GC.KeepAlive(enumerator);
    }

    /// <summary>Somebody acts at the moment when a request is handed in.</summary>
    private sealed class InterruptedPort(IRequestPort port) : IRequestPort
    {
        public Action BeforeSubmission { get; set; } = () => { };

        public int StreamBuffer => port.StreamBuffer;

        public void Submit(GenerationStream stream)
        {
            BeforeSubmission();
            port.Submit(stream);
        }

        public void Cancel(GenerationStream stream) => port.Cancel(stream);

        public void Ended(GenerationStream stream) => port.Ended(stream);

        public void WakeUp() => port.WakeUp();
    }
}
