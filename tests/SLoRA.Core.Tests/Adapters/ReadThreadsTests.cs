using NUnit.Framework;
using SLoRA.Adapters;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>Readings that are slow, fail or never return.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ReadThreadsTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Test]
    public async Task Readings_give_what_they_read_or_what_they_throw()
    {
        using var threads = new ReadThreads(2, Limit, TimeProvider.System);

        Assert.That(await threads.Run("a", _ => "content", default), Is.EqualTo("content"));
        await Assert.ThatAsync(() => threads.Run<string>("a", _ => throw new OutOfMemoryException(), default), Throws.TypeOf<AdapterLoadException>().With.InnerException.TypeOf<OutOfMemoryException>());
        Assert.That(await threads.Run("a", _ => "again", default), Is.EqualTo("again"), "a failure costs no thread");
    }

    [Test]
    public async Task A_reading_that_hangs_ends_at_the_limit_and_another_thread_takes_its_place()
    {
        var clock = new ManualClock();
        using var threads = new ReadThreads(1, Limit, clock);
        using var hangs = new Hanging();
        Task<Closable> hung = threads.Run("slow", hangs.Read, default);
        Task<string> next = threads.Run("next", _ => "content", default);
        hangs.Begun.Wait();
        clock.Advance(Limit - TimeSpan.FromTicks(1));
        Assert.That(hung.IsCompleted, Is.False);

        clock.Advance(TimeSpan.FromTicks(1));

        var error = (await Assert.ThrowsAsync<AdapterLoadException>(() => hung))!;
        Assert.That(error, Has.Property("Kind").EqualTo(LoadErrorKind.File).And.Property("Adapter").EqualTo("slow").And.Message.Contains("timed out after 30 s"));
        Assert.That(await next, Is.EqualTo("content"));
        Assert.That(threads.Lost, Is.EqualTo(1));
    }

    [Test]
    public async Task What_comes_too_late_is_thrown_away()
    {
        var clock = new ManualClock();
        using var threads = new ReadThreads(1, Limit, clock);
        using var hangs = new Hanging();
        Task<Closable> hung = threads.Run("slow", hangs.Read, default);
        hangs.Begun.Wait();
        clock.Advance(Limit);
        await Assert.ThatAsync(() => hung, Throws.TypeOf<AdapterLoadException>());
        Assert.That(hangs.Token.IsCancellationRequested, Is.True, "what can stop is told to");

        hangs.Release.Set();

        hangs.Result.Closed.Wait();
        SpinWait.SpinUntil(() => threads.Lost == 0);
    }

    [Test]
    public async Task Cancelling_gives_a_hanging_reading_up_at_once()
    {
        using var threads = new ReadThreads(1, Limit, new ManualClock());
        using var hangs = new Hanging();
        using var cancellation = new CancellationTokenSource();
        Task<Closable> hung = threads.Run("slow", hangs.Read, cancellation.Token);
        hangs.Begun.Wait();

        await cancellation.CancelAsync();

        await Assert.ThatAsync(() => hung, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(await threads.Run("next", _ => "content", default), Is.EqualTo("content"));
    }

    [Test]
    public async Task Disposal_does_not_wait_and_ends_what_is_open()
    {
        var threads = new ReadThreads(1, Limit, new ManualClock());
        using var hangs = new Hanging();
        Task<Closable> running = threads.Run("slow", hangs.Read, default);
        Task<string> waiting = threads.Run("next", _ => "content", default);
        hangs.Begun.Wait();

        threads.Dispose();

        await Assert.ThatAsync(() => running, Throws.TypeOf<EngineDisposedException>());
        await Assert.ThatAsync(() => waiting, Throws.TypeOf<EngineDisposedException>());
        await Assert.ThatAsync(() => threads.Run("late", _ => "content", default), Throws.TypeOf<EngineDisposedException>());
    }

    [Test]
    public async Task Too_many_readings_that_hang_are_refused_instead_of_eating_the_machine()
    {
        using var threads = new ReadThreads(1, Limit, new ManualClock());
        using var hangs = new Hanging();
        for (int i = 0; i < ReadThreads.MostLost; i++)
        {
            using var cancellation = new CancellationTokenSource();
            hangs.Begun.Reset();
            Task<Closable> hung = threads.Run("slow", hangs.Read, cancellation.Token);
            hangs.Begun.Wait();
            await cancellation.CancelAsync();
            await Assert.ThatAsync(() => hung, Throws.InstanceOf<OperationCanceledException>());
        }

        await Assert.ThatAsync(() => threads.Run("next", _ => "content", default), Throws.TypeOf<AdapterLoadException>().With.Message.Contains("hang"));

        hangs.Release.Set();
        SpinWait.SpinUntil(() => threads.Lost == 0);
        Assert.That(await threads.Run("next", _ => "content", default), Is.EqualTo("content"));
    }

    private sealed class Closable : IDisposable
    {
        public ManualResetEventSlim Closed { get; } = new();

        public void Dispose() => Closed.Set();
    }

    /// <summary>A reading that returns when it is released.</summary>
    private sealed class Hanging : IDisposable
    {
        public ManualResetEventSlim Begun { get; } = new();

        public ManualResetEventSlim Release { get; } = new();

        public Closable Result { get; } = new();

        public CancellationToken Token { get; private set; }

        public Closable Read(CancellationToken token)
        {
            Token = token;
            Begun.Set();
            Release.Wait(CancellationToken.None);
            return Result;
        }

        public void Dispose() => Release.Set();
    }
}
