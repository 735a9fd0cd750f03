using NUnit.Framework;
using SLoRA.Engine;

namespace SLoRA.Core.Tests.Engine;

[Parallelizable(ParallelScope.All)]
internal sealed class DeviceThreadTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Test]
    public void What_is_computed_and_what_is_done_beside_it_run_at_the_same_time_on_two_threads()
    {
        using var meeting = new Barrier(2);
        int computing = 0;
        bool haveMet = true;
        using var device = new DeviceThread(() =>
        {
            computing = Environment.CurrentManagedThreadId;
            haveMet &= meeting.SignalAndWait(Patience);
        });
        int beside = 0;
        for (int i = 0; i < 100; i++)
        {
            device.ComputeBeside(() =>
            {
                beside = Environment.CurrentManagedThreadId;
                haveMet &= meeting.SignalAndWait(Patience);
            });
        }

        Assert.That(haveMet, Is.True);
        Assert.That(beside, Is.EqualTo(Environment.CurrentManagedThreadId));
        Assert.That(computing, Is.Not.EqualTo(beside).And.Not.Zero);
    }

    [Test]
    public void What_computing_throws_comes_to_the_caller_and_the_next_step_computes()
    {
        int steps = 0;
        using var device = new DeviceThread(() =>
        {
            if (++steps == 1)
            {
                throw new IOException("The device is gone.");
            }
        });
        bool isDone = false;

        Assert.That(() => device.ComputeBeside(() => isDone = true), Throws.TypeOf<IOException>());
        Assert.That(isDone, Is.True);
        Assert.That(() => device.ComputeBeside(() => { }), Throws.Nothing);
        Assert.That(steps, Is.EqualTo(2));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void What_is_done_beside_may_throw_and_the_device_is_not_left_computing(bool bothFail)
    {
        using var failed = new ManualResetEventSlim();
        bool hasComputed = false;
        using var device = new DeviceThread(() =>
        {
            hasComputed = failed.Wait(Patience);
            if (bothFail)
            {
                throw new IOException("The device is gone.");
            }
        });

        Assert.That(
            () => device.ComputeBeside(() =>
            {
                failed.Set();
                throw new FormatException("The books are wrong.");
            }),
            Throws.TypeOf<FormatException>());
        Assert.That(hasComputed, Is.True);
    }

    [Test]
    public void Its_thread_ends_with_it_and_it_may_be_disposed_twice()
    {
        Thread? thread = null;
        var device = new DeviceThread(() => thread = Thread.CurrentThread);
        device.ComputeBeside(() => { });
        device.Dispose();
        device.Dispose();

        Assert.That(thread!.IsAlive, Is.False);
    }
}
