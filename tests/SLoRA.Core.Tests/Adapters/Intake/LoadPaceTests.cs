using NUnit.Framework;
using SLoRA.Adapters.Intake;

namespace SLoRA.Core.Tests.Adapters.Intake;

/// <summary>How much of the steps loads take. Time passes when the test says so; 200 MB count as 50 ms of work.</summary>
[Parallelizable(ParallelScope.All)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class LoadPaceTests
{
    private const long FiftyMilliseconds = 200_000_000;
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    // What never comes is a failure, and no test that never ends.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly ManualClock _clock = new();

    [Test]
    public void Beyond_what_the_step_allows_a_load_rests_for_what_it_works()
    {
        var pace = new LoadPace(0.25, _clock);
        pace.BeginStep(true, TimeSpan.Zero);
        PacedLoad load = pace.Begin();
        load.HasRead(FiftyMilliseconds);

        _clock.Advance(TimeSpan.FromMilliseconds(199));
        Assert.That(MayWork(load), Is.False, "50 ms of work are a quarter of 200 ms");

        _clock.Advance(Millisecond);
        Assert.That(MayWork(load), Is.True);
    }

    [Test]
    public async Task A_load_that_rests_goes_on_when_it_may()
    {
        var pace = new LoadPace(0.25, _clock);
        pace.BeginStep(true, TimeSpan.Zero);
        PacedLoad load = pace.Begin();
        load.HasRead(FiftyMilliseconds);
        Task turn = TakeTurn(pace, load);

        _clock.Advance(TimeSpan.FromMilliseconds(200));

        await turn.WaitAsync(Patience);
        Assert.That(pace.Waiting, Is.Zero);
    }

    [Test]
    public void What_a_step_allows_may_be_worked_off_at_its_start()
    {
        var pace = new LoadPace(0.25, _clock);
        pace.BeginStep(true, Hour);
        PacedLoad load = pace.Begin();

        load.HasRead(FiftyMilliseconds);

        Assert.That(MayWork(load), Is.True, "an hour's step allows a quarter of an hour");
    }

    [Test]
    public void What_a_short_step_gave_too_much_the_next_one_gives_less()
    {
        var pace = new LoadPace(0.25, _clock);
        pace.BeginStep(true, TimeSpan.FromMilliseconds(400));
        PacedLoad load = pace.Begin();
        load.HasRead(FiftyMilliseconds);
        Assert.That(MayWork(load), Is.True);

        // It took 100 ms and allowed 25: as many are owed, and a step of 80 ms allows 20.
        _clock.Advance(TimeSpan.FromMilliseconds(100));
        pace.BeginStep(true, TimeSpan.FromMilliseconds(80));
        _clock.Advance(TimeSpan.FromMilliseconds(99));
        Assert.That(MayWork(load), Is.False);

        _clock.Advance(Millisecond);
        Assert.That(MayWork(load), Is.True);
    }

    [Test]
    public void While_nobody_computes_loads_do_not_rest_and_owe_nothing()
    {
        var pace = new LoadPace(1e-9, _clock);
        PacedLoad load = pace.Begin();
        load.HasRead(4_000_000_000);
        Assert.That(MayWork(load), Is.True);
        pace.BeginStep(true, Hour);

        Assert.That(MayWork(load), Is.True, "with the second of work before, this would have rested for years");
    }

    [Test]
    public void What_is_worked_in_a_turn_counts()
    {
        var pace = new LoadPace(0.5, _clock);
        pace.BeginStep(true, TimeSpan.Zero);
        PacedLoad load = pace.Begin();
        using (load.Work(default))
        {
            _clock.Advance(TimeSpan.FromMilliseconds(10));
        }

        _clock.Advance(TimeSpan.FromMilliseconds(9));
        Assert.That(MayWork(load), Is.False, "10 ms are half of 20");

        _clock.Advance(Millisecond);
        Assert.That(MayWork(load), Is.True);
    }

    [Test]
    public async Task One_load_works_at_a_time_and_the_oldest_that_waits_is_next()
    {
        var pace = new LoadPace(1, _clock);
        pace.BeginStep(true, Hour);
        PacedLoad[] loads = [.. Enumerable.Range(0, 4).Select(_ => pace.Begin())];
        var order = new List<int>();
        LoadPace.Turn held = loads[2].Work(default);
        List<Task> turns = [];
        foreach (int i in (int[])[3, 1, 0])
        {
            turns.Add(TakeTurn(pace, loads[i], () => order.Add(i)));
        }

        Assert.That(order, Is.Empty, "one works");
        held.Dispose();
        await Task.WhenAll(turns).WaitAsync(Patience);

        Assert.That(order, Is.EqualTo((int[])[0, 1, 3]));
    }

    [Test]
    public async Task Waiting_for_a_turn_ends_when_the_steps_end_or_the_load_is_given_up()
    {
        var pace = new LoadPace(1e-9, _clock);
        pace.BeginStep(true, TimeSpan.Zero);
        PacedLoad load = pace.Begin();
        load.HasRead(4_000_000_000);
        Task resting = TakeTurn(pace, load);
        pace.BeginStep(false, TimeSpan.Zero);
        await resting.WaitAsync(Patience);
        pace.BeginStep(true, TimeSpan.Zero);
        load.HasRead(4_000_000_000);
        using var cancellation = new CancellationTokenSource();
        resting = TakeTurn(pace, load, cancellation: cancellation.Token);
        await cancellation.CancelAsync();

        await Assert.ThatAsync(() => resting.WaitAsync(Patience), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task The_time_of_a_reading_stands_still_while_it_waits_for_its_turn()
    {
        var pace = new LoadPace(0.1, _clock);
        pace.BeginStep(true, TimeSpan.Zero);
        bool isOver = false;
        using var reading = new ReadClock(_clock, Hour, TimeSpan.FromSeconds(2), () => { }, () => isOver = true);
        reading.Start();
        PacedLoad load = pace.Begin(reading);
        load.HasRead(4_000_000_000);
        Task turn = TakeTurn(pace, load);

        _clock.Advance(TimeSpan.FromSeconds(10));
        await turn.WaitAsync(Patience);
        _clock.Advance(TimeSpan.FromMilliseconds(1999));
        Assert.That(isOver, Is.False, "it has waited for ten seconds and worked for two, all but a millisecond");

        _clock.Advance(Millisecond);
        Assert.That(isOver, Is.True);
    }

    [Test]
    public async Task A_load_that_is_given_up_in_the_middle_of_its_work_holds_nobody_up()
    {
        var pace = new LoadPace(1, _clock);
        pace.BeginStep(true, Hour);
        using var reading = new ReadClock(_clock, Hour, Hour, () => { }, () => { });
        PacedLoad endless = pace.Begin(reading);
        using LoadPace.Turn held = endless.Work(default);
        Task turn = TakeTurn(pace, pace.Begin());

        reading.GiveUp();

        // Whatever its thread still does.
        await turn.WaitAsync(Patience);
    }

    [Test]
    public async Task Work_in_pieces_lets_others_in_between_and_ends_when_it_is_given_up()
    {
        var pace = new LoadPace(1, _clock);
        pace.BeginStep(true, Hour);
        using var reading = new ReadClock(_clock, Hour, Hour, () => { }, () => { });
        PacedLoad older = pace.Begin();
        using PacedWork work = pace.Begin(reading).WorkInPieces();
        bool worked = false;
        Task turn = TakeTurn(pace, older, () => worked = true);

        // A pause that gives the turn back has it again when the older load has worked.
        work.Pause();
        Assert.That(worked, Is.False, "a piece is a millisecond");

        _clock.Advance(Millisecond);
        work.Pause();
        Assert.That(worked, Is.True);
        await turn.WaitAsync(Patience);

        reading.GiveUp();
        Assert.That(work.Pause, Throws.InstanceOf<OperationCanceledException>());
    }

    /// <summary>Whether a load that no thread waits with could work now: what must wait is given up at once.</summary>
    private static bool MayWork(PacedLoad load)
    {
        try
        {
            load.Work(new CancellationToken(canceled: true)).Dispose();
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Takes a turn on a thread of its own, for which it must wait; returns when it does.</summary>
    private static Task TakeTurn(LoadPace pace, PacedLoad load, Action? work = null, CancellationToken cancellation = default)
    {
        int waiting = pace.Waiting;
        Task turn = Task.Factory.StartNew(
            () =>
            {
                using LoadPace.Turn turn = load.Work(cancellation);
                work?.Invoke();
            },
            TaskCreationOptions.LongRunning);
        Assert.That(SpinWait.SpinUntil(() => pace.Waiting > waiting || turn.IsCompleted, Patience), "it has begun");
        Assert.That(pace.Waiting, Is.EqualTo(waiting + 1), "it waits");
        return turn;
    }
}
