using System.Diagnostics;
using NUnit.Framework;
using SLoRA.Adapters;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>How much of a processor readers take from the steps.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class LoadPaceTests
{
    [Test]
    public void While_sequences_compute_readers_rest_for_what_they_work()
    {
        var pace = new LoadPace(0.25);
        pace.SetBusy(true);
        long started = Stopwatch.GetTimestamp();

        pace.HasWorked(started - (Stopwatch.Frequency / 20), default);

        Assert.That(Stopwatch.GetElapsedTime(started), Is.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(149)), "50 ms of work are a quarter of 200 ms");
    }

    [Test]
    public void While_nobody_computes_readers_do_not_rest_and_owe_nothing()
    {
        var pace = new LoadPace(1e-9);
        pace.HasWorked(Stopwatch.GetTimestamp() - Stopwatch.Frequency, default);
        pace.SetBusy(true);

        Task read = Task.Run(() => pace.HasRead(1, default));

        Assert.That(read.Wait(TimeSpan.FromSeconds(30)), Is.True, "with the second of work before, this would have rested for a minute");
    }

    [Test]
    public async Task A_rest_ends_when_the_steps_end_or_the_reading_is_given_up()
    {
        var pace = new LoadPace(1e-9);
        pace.SetBusy(true);
        Task resting = Task.Factory.StartNew(() => pace.HasWorked(Stopwatch.GetTimestamp() - Stopwatch.Frequency, default), TaskCreationOptions.LongRunning);
        pace.SetBusy(false);
        await resting;
        pace.SetBusy(true);
        using var cancellation = new CancellationTokenSource();
        resting = Task.Factory.StartNew(() => pace.HasWorked(Stopwatch.GetTimestamp() - Stopwatch.Frequency, cancellation.Token), TaskCreationOptions.LongRunning);
        await cancellation.CancelAsync();

        await Assert.ThatAsync(() => resting, Throws.InstanceOf<OperationCanceledException>());
    }
}
