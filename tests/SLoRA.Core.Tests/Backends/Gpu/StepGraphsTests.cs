using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>Which steps are alike, and when one is recorded, repeated or called; over a recorder that counts.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StepGraphsTests
{
    private static readonly StepMemory Memory = new(256, 64, 512, 64, 1024, 64);

    /// <summary>Rows, blocks of ranks, splits and tokens with penalties of a step, and those of its bucket.</summary>
    [TestCase(1, 0, 0, 0, 1, 0, 0, 0)]
    [TestCase(3, 5, 0, 0, 4, 8, 0, 0)]
    [TestCase(5, 1, 9, 3, 8, 8, 16, 64)]
    [TestCase(64, 300, 0, 65, 64, 512, 0, 128)]
    [TestCase(65, 65, 2, 0, 128, 128, 2, 0)]
    [TestCase(130, 0, 0, 0, 150, 0, 0, 0)]
    public void Numbers_of_a_step_are_rounded_up(
        int rows, int blocks, int splits, int seen, int bucketRows, int bucketBlocks, int bucketSplits, int sampled)
    {
        StepBucket? bucket = StepBucket.Of(
            Decode(rows), Extents(rows, blocks) with { Splits = splits, Seen = seen }, new BucketRows(150, AreRounded: true));
        Assert.That(bucket, Is.EqualTo(new StepBucket(bucketRows, bucketBlocks, 0, bucketSplits, sampled)));
    }

    [Test]
    public void Rows_of_nobody_are_left_out_where_they_are_not_taken()
    {
        StepBucket? bucket = StepBucket.Of(
            Decode(5), Extents(5, 9) with { RankBlocks = 3 }, new BucketRows(150, AreRounded: false));
        Assert.That(bucket, Is.EqualTo(new StepBucket(5, 16, 4, 0, 0)));
    }

    [Test]
    public void Steps_with_prompts_or_rows_without_logits_have_no_bucket()
    {
        StepPlan prompt = Decode(2);
        prompt.AddSlice([3, 4], 0, [0], 1);
        StepPlan silent = Decode(2);
        silent.AddSlice([3], 0, [0], 0);
        foreach (StepPlan plan in (StepPlan[])[prompt, silent, new StepPlan(4, 4)])
        {
            Assert.That(StepBucket.Of(plan, Extents(plan.RowCount, 0), new BucketRows(150, AreRounded: true)), Is.Null);
        }
    }

    [Test]
    public void The_first_step_is_called_the_second_recorded_and_others_are_repeated()
    {
        var recorder = new Recorder();
        using (var graphs = new StepGraphs(recorder, new BucketRows(8, AreRounded: true)))
        {
            Assert.That(Calls(graphs, 3), Is.EqualTo(1));
            Assert.That((graphs.IsAlike, recorder.Launches), Is.EqualTo((false, 0)));
            Assert.That(Calls(graphs, 4), Is.EqualTo(1));
            Assert.That((graphs.IsAlike, recorder.Launches), Is.EqualTo((true, 1)));
            Assert.That(Calls(graphs, 3), Is.Zero);
            Assert.That((recorder.Launches, recorder.Live), Is.EqualTo((2, 1)));

            // Memory that was taken anew: what was recorded before names other.
            Assert.That(Calls(graphs, 3, Memory with { Plan = 4096 }), Is.EqualTo(1));
            Assert.That((recorder.Launches, recorder.Live, recorder.Made), Is.EqualTo((3, 1, 2)));
        }

        Assert.That(recorder.Live, Is.Zero);
    }

    /// <summary>The operations are called after all, and nothing is recorded from then on.</summary>
    [TestCase(false, false)]
    [TestCase(true, false)]
    [TestCase(true, true)]
    public void What_cannot_be_recorded_is_called(bool begins, bool launchFails)
    {
        var recorder = new Recorder { Begins = begins, Makes = launchFails };
        using var graphs = new StepGraphs(recorder, new BucketRows(8, AreRounded: true));
        Assert.That(Calls(graphs, 2), Is.EqualTo(1));
        int calls = 0;
        graphs.Begin(Decode(2), Extents(2, 0));
        graphs.Run(Memory, () =>
        {
            if (++calls == 1 && launchFails)
            {
                throw new GpuException(GpuError.DeviceFailed, "As the test asked.");
            }
        });
        Assert.That(calls, Is.EqualTo(begins ? 2 : 1));
        Assert.That(Calls(graphs, 2), Is.EqualTo(1));
        Assert.That((graphs.IsAlike, recorder.Launches, recorder.Live), Is.EqualTo((false, 0, 0)));
    }

    private static int Calls(StepGraphs graphs, int rows, StepMemory? memory = null)
    {
        int calls = 0;
        graphs.Begin(Decode(rows), Extents(rows, 0));
        graphs.Run(memory ?? Memory, () => calls++);
        return calls;
    }

    private static StepPlan Decode(int rows)
    {
        var plan = new StepPlan(200, 200);
        for (int row = 0; row < rows; row++)
        {
            plan.AddSlice([3], 0, [0], 1);
        }

        return plan;
    }

    private static StepExtents Extents(int rows, int blocks) =>
        new(rows, rows, 0, blocks > 0 ? 1 : 0, blocks, 0, 0, 0, rows, rows, 0, 0, 0, 0);

    private sealed class Recorder : ILaunchRecorder
    {
        public bool Begins { get; init; } = true;

        public bool Makes { get; init; } = true;

        public int Made { get; private set; }

        public int Live { get; private set; }

        public int Launches { get; private set; }

        public bool TryBegin() => Begins;

        public nint End()
        {
            if (!Makes)
            {
                return 0;
            }

            Live++;
            return ++Made;
        }

        public void Launch(nint kept) => Launches++;

        public void Free(nint kept) => Live--;
    }
}
