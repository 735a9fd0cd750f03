using NUnit.Framework;
using SLoRA.Adapters.Intake;

namespace SLoRA.Core.Tests.Adapters.Intake;

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
        await Assert.ThatAsync(() => threads.Run<string>("a", _ => throw new OutOfMemoryException(), default),
            Throws.TypeOf<AdapterLoadException>().With.InnerException.TypeOf<OutOfMemoryException>());
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
        Assert.That(error, Has.Property("Kind").EqualTo(LoadErrorKind.File).And.Property("Adapter")
            .EqualTo("slow").And.Message.Contains("timed out after 30 s"));
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
    public async Task A_reading_that_gets_nothing_gives_its_place_to_others_and_is_served_all_the_same()
    {
        var clock = new ManualClock();
        int slow = 0;
        using var threads = new ReadThreads(1, Limit, clock);
        using var hangs = new Hanging();
        Task<Closable> hung = threads.Run("slow", hangs.Read, default, () => slow++);
        Task<string> next = threads.Run("next", _ => "content", default);
        hangs.Begun.Wait();
        Assert.That(next.IsCompleted, Is.False);

        clock.Advance(ReadThreads.Patience);

        Assert.That(await next, Is.EqualTo("content"));
        Assert.That(slow, Is.EqualTo(1));
        hangs.Release.Set();
        Assert.That(await hung, Is.SameAs(hangs.Result));
        Assert.That(threads.Lost, Is.EqualTo(0));
    }

    [Test]
    public async Task A_reading_that_gets_bytes_keeps_its_place_however_long_it_takes()
    {
        var clock = new ManualClock();
        int slow = 0;
        using var threads = new ReadThreads(1, TimeSpan.FromHours(1), clock);
        string read = await threads.Run(
            "steady",
            reading =>
            {
                for (int i = 0; i < 100; i++)
                {
                    clock.Advance(ReadThreads.Patience - TimeSpan.FromMilliseconds(1));
                    reading.HasCome();
                }

                return "content";
            },
            default,
            () => slow++);

        Assert.That((read, slow), Is.EqualTo(("content", 0)));
    }

    [Test]
    public async Task What_a_reading_is_made_to_wait_does_not_count()
    {
        var clock = new ManualClock();
        using var threads = new ReadThreads(1, Limit, clock);
        string read = await threads.Run(
            "patient",
            reading =>
            {
                for (int i = 0; i < 100; i++)
                {
                    reading.Rest();
                    clock.Advance(Limit);
                    reading.GoOn();
                }

                return "content";
            },
            default);

        Assert.That(read, Is.EqualTo("content"), "it has rested for fifty minutes and read for no time");
    }

    [Test]
    public async Task What_hangs_of_one_tenant_costs_that_tenant_alone_and_not_for_ever()
    {
        var clock = new ManualClock();
        using var threads = new ReadThreads(1, Limit, clock);
        using var hangs = new Hanging();
        for (int i = 0; i < ReadThreads.MostOfOne; i++)
        {
            await LoseOne(threads, hangs, $"evil/{i}");
        }

        await Assert.ThatAsync(() => threads.Run("evil/more", _ => "content", default),
            Throws.TypeOf<AdapterLoadException>().With.Message.Contains("8 earlier readings hang"));
        Assert.That(await threads.Run("honest/a", _ => "content", default), Is.EqualTo("content"));
        Assert.That(await threads.Run("evildoer", _ => "content", default), Is.EqualTo("content"), "another name");

        clock.Advance(ReadThreads.Forgotten);

        Assert.That(await threads.Run("evil/more", _ => "content", default), Is.EqualTo("content"), "whether they ever return or not");
    }

    [Test]
    public async Task Readings_of_a_tenant_that_wait_are_refused_when_all_its_threads_hang()
    {
        using var threads = new ReadThreads(ReadThreads.MostOfOne, Limit, new ManualClock());
        using var hangs = new Hanging();
        using var cancellation = new CancellationTokenSource();
        Task<Closable>[] hung =
            [.. Enumerable.Range(0, ReadThreads.MostOfOne).Select(i => threads.Run($"evil/{i}", hangs.Read, cancellation.Token))];
        Task<string> waiting = threads.Run("evil/last", _ => "content", default);
        hangs.WaitFor(ReadThreads.MostOfOne);

        await cancellation.CancelAsync();

        await Assert.ThatAsync(() => waiting, Throws.TypeOf<AdapterLoadException>().With.Property("Adapter")
            .EqualTo("evil/last").And.Message.Contains("hang"));
        foreach (Task<Closable> reading in hung)
        {
            await Assert.ThatAsync(() => reading, Throws.InstanceOf<OperationCanceledException>());
        }
    }

    [Test]
    public async Task Too_many_readings_that_hang_are_refused_instead_of_eating_the_machine()
    {
        using var threads = new ReadThreads(1, Limit, new ManualClock());
        using var hangs = new Hanging();
        for (int i = 0; i < ReadThreads.MostLost; i++)
        {
            await LoseOne(threads, hangs, $"slow{i}");
        }

        await Assert.ThatAsync(
            () => threads.Run("next", _ => "content", default), Throws.TypeOf<AdapterLoadException>().With.Message.Contains("hang"));

        hangs.Release.Set();
        SpinWait.SpinUntil(() => threads.Lost == 0);
        Assert.That(await threads.Run("next", _ => "content", default), Is.EqualTo("content"));
    }

    [Test]
    public async Task A_thread_that_the_system_refuses_is_that_readings_error_and_the_next_one_tries_again()
    {
        bool refuses = true;
        using var threads = new ReadThreads(1, Limit, TimeProvider.System, work =>
        {
            if (refuses)
            {
                throw new OutOfMemoryException("no thread");
            }

            new Thread(work) { IsBackground = true }.Start();
        });
        for (int i = 0; i < 5; i++)
        {
            await Assert.ThatAsync(
                () => threads.Run("a", _ => "content", default),
                Throws.TypeOf<AdapterLoadException>().With.Property("Adapter")
                    .EqualTo("a").And.InnerException.TypeOf<OutOfMemoryException>());
        }

        refuses = false;

        Assert.That(await threads.Run("a", _ => "content", default), Is.EqualTo("content"));
    }

    /// <summary>The reading has ended before its caller comes to hang it onto the token: nothing may be left there.</summary>
    [Test]
    public async Task A_token_that_lives_long_keeps_nothing_of_readings_that_have_ended()
    {
        using var life = new CancellationTokenSource();
        var ended = new List<WeakReference>();
        using (var threads = new ReadThreads(1, Limit, TimeProvider.System, work => work()))
        {
            await ReadOnce(threads, ended, life.Token);
            threads.Dispose();
            await Assert.ThatAsync(() => ReadOnce(threads, ended, life.Token), Throws.TypeOf<EngineDisposedException>());
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        Assert.That(ended.Count(reading => reading.IsAlive), Is.EqualTo(0));
    }

    private static Task ReadOnce(ReadThreads threads, List<WeakReference> ended, CancellationToken cancellation)
    {
        object content = new();
        ended.Add(new WeakReference(content));
        return threads.Run("a", _ => content.ToString()!, cancellation);
    }

    /// <summary>A reading hangs and is given up.</summary>
    private static async Task LoseOne(ReadThreads threads, Hanging hangs, string name)
    {
        using var cancellation = new CancellationTokenSource();
        hangs.Begun.Reset();
        Task<Closable> hung = threads.Run(name, hangs.Read, cancellation.Token);
        hangs.Begun.Wait();
        await cancellation.CancelAsync();
        await Assert.ThatAsync(() => hung, Throws.InstanceOf<OperationCanceledException>());
    }

    private sealed class Closable : IDisposable
    {
        public ManualResetEventSlim Closed { get; } = new();

        public void Dispose() => Closed.Set();
    }

    /// <summary>A reading that returns when it is released.</summary>
    private sealed class Hanging : IDisposable
    {
        private readonly SemaphoreSlim _count = new(0);

        public ManualResetEventSlim Begun { get; } = new();

        public ManualResetEventSlim Release { get; } = new();

        public Closable Result { get; } = new();

        public CancellationToken Token { get; private set; }

        public Closable Read(ReadClock reading)
        {
            Token = reading.Ending;
            _count.Release();
            Begun.Set();
            Release.Wait(CancellationToken.None);
            return Result;
        }

        /// <summary>Returns when so many readings hang.</summary>
        public void WaitFor(int readings)
        {
            for (int i = 0; i < readings; i++)
            {
                _count.Wait();
            }
        }

        public void Dispose() => Release.Set();
    }
}
