using System.Diagnostics;
using NUnit.Framework;
using SLoRA.Adapters;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>How much of the steps loads take.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class LoadPaceTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Test]
    public void Beyond_what_the_step_allows_a_load_rests_for_what_it_works()
    {
        var pace = new LoadPace(0.25);
        long started = Stopwatch.GetTimestamp();
        pace.BeginStep(true, TimeSpan.Zero);
        PacedLoad load = pace.Begin();

        // 200 MB at the speed of the system's cache: 50 ms.
        load.HasRead(200_000_000);
        load.Work(default).Dispose();

        Assert.That(Stopwatch.GetElapsedTime(started), Is.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(199)), "50 ms of work are a quarter of 200 ms");
    }

    [Test]
    public void What_a_step_allows_may_be_worked_off_at_its_start()
    {
        var pace = new LoadPace(0.25);
        pace.BeginStep(true, Hour);
        PacedLoad load = pace.Begin();

        load.HasRead(200_000_000);
        Task turn = Task.Run(() => load.Work(default).Dispose());

        Assert.That(turn.Wait(TimeSpan.FromSeconds(30)), Is.True, "an hour's step allows a quarter of an hour");
    }

    [Test]
    public async Task What_a_short_step_gave_too_much_the_next_one_gives_less()
    {
        var pace = new LoadPace(1e-9);
        pace.BeginStep(true, Hour);
        PacedLoad load = pace.Begin();
        load.HasRead(200_000_000);
        pace.BeginStep(true, Hour);

        Task turn = Task.Factory.StartNew(() => load.Work(default).Dispose(), TaskCreationOptions.LongRunning);

        Assert.That(turn.Wait(TimeSpan.FromMilliseconds(20)), Is.False, "50 ms are owed, and steps allow microseconds");
        pace.BeginStep(false, Hour);
        await turn;
    }

    [Test]
    public void While_nobody_computes_loads_do_not_rest_and_owe_nothing()
    {
        var pace = new LoadPace(1e-9);
        PacedLoad load = pace.Begin();
        load.HasRead(4_000_000_000);
        load.Work(default).Dispose();
        pace.BeginStep(true, Hour);

        Task turn = Task.Run(() => load.Work(default).Dispose());

        Assert.That(turn.Wait(TimeSpan.FromSeconds(30)), Is.True, "with the second of work before, this would have rested for years");
    }

    [Test]
    public async Task One_load_works_at_a_time_and_the_oldest_that_waits_is_next()
    {
        var pace = new LoadPace(1);
        pace.BeginStep(true, Hour);
        PacedLoad[] loads = [.. Enumerable.Range(0, 4).Select(_ => pace.Begin())];
        var order = new List<int>();
        LoadPace.Turn held = loads[2].Work(default);
        List<Task> turns = [];
        foreach (int i in (int[])[3, 1, 0])
        {
            var thread = new Thread(() => Take(i)) { IsBackground = true };
            thread.Start();
            turns.Add(Task.Factory.StartNew(thread.Join, TaskCreationOptions.LongRunning));
            Assert.That(() => thread.ThreadState.HasFlag(System.Threading.ThreadState.WaitSleepJoin), Is.True.After(30000, 1), "it waits for its turn");
        }

        held.Dispose();
        await Task.WhenAll(turns);

        Assert.That(order, Is.EqualTo((int[])[0, 1, 3]));

        void Take(int load)
        {
            using LoadPace.Turn turn = loads[load].Work(default);
            order.Add(load);
        }
    }

    [Test]
    public async Task Waiting_for_a_turn_ends_when_the_steps_end_or_the_load_is_given_up()
    {
        var pace = new LoadPace(1e-9);
        pace.BeginStep(true, TimeSpan.Zero);
        PacedLoad load = pace.Begin();
        load.HasRead(4_000_000_000);
        Task resting = Task.Factory.StartNew(() => load.Work(default).Dispose(), TaskCreationOptions.LongRunning);
        pace.BeginStep(false, TimeSpan.Zero);
        await resting;
        pace.BeginStep(true, TimeSpan.Zero);
        load.HasRead(4_000_000_000);
        using var cancellation = new CancellationTokenSource();
        resting = Task.Factory.StartNew(() => load.Work(cancellation.Token).Dispose(), TaskCreationOptions.LongRunning);
        await cancellation.CancelAsync();

        await Assert.ThatAsync(() => resting, Throws.InstanceOf<OperationCanceledException>());
    }
}
