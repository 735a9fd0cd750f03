using NUnit.Framework;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Tests.Backends.Cpu;

public sealed class ComputeThreadsTests
{
    [Test]
    public void Every_part_runs_once_per_job([Values(1, 2, 5)] int count)
    {
        using var threads = new ComputeThreads(count);
        var job = new CountingJob(64);
        for (int round = 0; round < 3000; round++)
        {
            int parts = 1 + (round % 64);
            Array.Clear(job.Counts);
            threads.Run(job, parts);
            for (int part = 0; part < 64; part++)
            {
                Assert.That(job.Counts[part], Is.EqualTo(part < parts ? 1 : 0));
            }
        }

        Assert.That(job.LargestWorker, Is.LessThan(count));
    }

    [Test]
    public void An_exception_of_a_part_reaches_the_caller_and_the_threads_go_on([Values(1, 3)] int count)
    {
        using var threads = new ComputeThreads(count);
        Assert.That(() => threads.Run(new FailingJob(), 9), Throws.InstanceOf<InvalidDataException>().With.Message.EqualTo("part 4"));
        var job = new CountingJob(8);
        threads.Run(job, 8);
        Assert.That(job.Counts, Is.All.EqualTo(1));
    }

    [Test]
    public void A_disposed_pool_has_no_threads_left_and_refuses_work()
    {
        var threads = new ComputeThreads(3);
        var job = new CountingJob(8);
        threads.Run(job, 8);
        threads.Dispose();
        Assert.That(() => threads.Run(job, 8), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(threads.Dispose, Throws.Nothing);
    }

    private sealed class CountingJob(int parts) : ComputeJob
    {
        private int _largestWorker;

        public int[] Counts { get; } = new int[parts];

        public int LargestWorker => _largestWorker;

        public override void Execute(int part, int worker)
        {
            Interlocked.Increment(ref Counts[part]);
            if (worker > Volatile.Read(ref _largestWorker))
            {
                Volatile.Write(ref _largestWorker, worker);
            }
        }
    }

    private sealed class FailingJob : ComputeJob
    {
        public override void Execute(int part, int worker)
        {
            if (part == 4)
            {
                throw new InvalidDataException("part 4");
            }
        }
    }
}
