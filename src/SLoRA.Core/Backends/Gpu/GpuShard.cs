using ILGPU;
using ILGPU.Runtime;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// What a Gpu backend needs when it is one of several shards: the exchanges of its operations, as launches around those of
/// <see cref="GpuCollective"/>.
/// </summary>
/// <param name="collective">What the shards exchange blocks with.</param>
/// <param name="device">The device.</param>
/// <param name="kernels">The kernels that fill and read blocks.</param>
/// <param name="link">The device's end of the exchanges; disposed of with this.</param>
/// <param name="clock">Disposed of with this.</param>
/// <param name="drain">Waits for all shards' devices, before the memory of any is given back.</param>
internal sealed class GpuShard(
    GpuCollective collective, GpuDevice device, ExchangeLaunchers kernels, ShardLink link, ExchangeClock clock, Action drain) : IDisposable
{
    /// <summary>
    /// Numbers up to which all ranks of all shards go along with the sums of the base, which spares a meeting and costs this much more than
    /// the ranks that a shard needs: what a link carries in the time of a meeting.
    /// </summary>
    public const long NumbersForMeeting = 1 << 16;

    private StepUpload _step = null!;
    private AdapterDirectories _directories = null!;
    private LoraLaunches _lora = null!;
    private int _rowLimit;
    private int _widest;

    /// <summary>What the shards exchange blocks with.</summary>
    public GpuCollective Collective => collective;

    /// <summary>How blocks go from one device to another, for status.</summary>
    public string LinkName => link.Name;

    private int Shard => collective.Shard;

    private int Shards => collective.Shards;

    private AcceleratorStream Stream => device.Stream;

    /// <summary>Takes what is made with the pages.</summary>
    public void Attach(StepUpload step, AdapterDirectories directories, LoraLaunches lora, int rowLimit)
    {
        (_step, _directories, _lora, _rowLimit) = (step, directories, lora, rowLimit);
    }

    /// <summary>Rows of so many columns will be exchanged.</summary>
    public void Expect(int width) => _widest = Math.Max(_widest, width);

    /// <summary>Begins a step.</summary>
    public void BeginStep()
    {
        long columns = (long)_rowLimit * Shards * ShapeOf(_widest, 0).Share;
        collective.BeginStep(columns + (Shards * (Rounded(_step.ShrunkLength) + 64)));
    }

    /// <summary>What the step's adapters do to a group of products.</summary>
    public RankWork WorkOf(StepPlan plan, LinearGroup group)
    {
        var work = default(RankWork);
        foreach (LinearPart part in group.Parts)
        {
            Add(ref work, plan, part.Target);
        }

        return work;
    }

    /// <summary>What they do to a look-up.</summary>
    public RankWork WorkOf(StepPlan plan, int target)
    {
        var work = default(RankWork);
        Add(ref work, plan, target);
        return work;
    }

    /// <summary>Shows this shard's ranks of what it has shrunk. Launches until <see cref="TakeRanks"/> run beside.</summary>
    public void ShowRanks(StepPlan plan, in LoraShape lora, int parts, in RankWork work)
    {
        RanksShape shape = Ranks(parts, whole: false, perTarget: false, 0, Rounded(work.Slots));
        collective.Begin();
        kernels.PackRanks(
            Stream, Launch.Groups(plan.Lora.Chunks.Length, parts), _lora.Shrunk, _directories.View, _step.Chunks, collective.Sent, lora,
            shape);
        collective.Show(work.Slots);
        collective.Suspend(isLora: true);
    }

    /// <summary>Takes the other shards' ranks.</summary>
    public void TakeRanks(StepPlan plan, in LoraShape lora, int parts, in RankWork work)
    {
        RanksShape shape = Ranks(parts, whole: false, perTarget: false, 0, Rounded(work.Slots));
        collective.Resume();
        collective.Take(Rounded(work.Slots), perTarget: false);
        kernels.PlaceRanks(
            Stream, Launch.Groups(plan.Lora.Chunks.Length, parts, Shards), _lora.Shrunk, _directories.View, _step.Chunks,
            collective.Received, lora, shape);
        collective.End(0, work.All - work.Own, isLora: true);
    }

    /// <summary>
    /// Adds up this shard's columns of sums of which every shard has a part, gives them their bias and adds up what was shrunk of them.
    /// </summary>
    /// <param name="plan">The step.</param>
    /// <param name="y">The sums over this shard's inputs.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="bias">Added to the sums; null for none.</param>
    /// <param name="lora">What has been shrunk.</param>
    /// <param name="work">How much of it; nothing without adapters.</param>
    /// <returns>Where the columns are, for deltas.</returns>
    public SharedColumns Reduce(StepPlan plan, GpuRows y, int rows, GpuVector? bias, in LoraShape lora, in RankWork work)
    {
        bool whole = (work.All * (Shards - 1) * (Shards - 2) / Shards) <= NumbersForMeeting;
        long columns = Rounded((long)rows * ShapeOf(y.Width, 0).Share);
        long ranks = Rounded(whole ? work.All : work.Slots);
        ColumnsShape shape = ShapeOf(y.Width, columns + ranks);
        RanksShape rankShape = Ranks(1, whole, perTarget: true, columns, columns + ranks);
        int groups = plan.Lora.Chunks.Length;
        collective.Begin();
        kernels.PackColumns(Stream, Blocks(rows, shape, Shards), y.Values, collective.Sent, shape);
        if (work.All > 0)
        {
            kernels.PackRanks(
                Stream, Launch.Groups(groups, 1, Shards), _lora.Shrunk, _directories.View, _step.Chunks, collective.Sent, lora, rankShape);
        }

        collective.Show(Shards * shape.Stride);
        collective.Take(shape.Stride, perTarget: true);

        // Whole ranks: the next thing that is sent are these columns. Otherwise ranks go first, and the columns wait where they are.
        int first = shape.First(Shard);
        int own = shape.First(Shard + 1) - first;
        var result = whole || work.All == 0
            ? new SharedColumns(collective.Sent, shape.Share, 0, true)
            : new SharedColumns(y.Values, y.Width, first, false);
        kernels.SumColumns(
            Stream, Blocks(rows, shape, 1), y.Values, collective.Received, bias?.Values ?? y.Values, result.Values, bias is null ? 0 : 1,
            result.Pitch, result.First, shape);
        long loraElements = 0;
        if (work.All > 0)
        {
            kernels.SumRanks(
                Stream, Launch.Groups(groups), _lora.Shrunk, _directories.View, _step.Chunks, collective.Received, lora, rankShape);
            loraElements = (Shards - 1) * (whole ? work.All : work.Own);
        }

        collective.End((long)(Shards - 1) * rows * own, loraElements, isLora: false);
        if (!result.IsBlock)
        {
            ShowRanks(plan, lora, 1, work);
            TakeRanks(plan, lora, 1, work);
        }

        return result;
    }

    /// <summary>Makes rows of which every shard has a part the sums of all.</summary>
    public void Sum(StepPlan plan, GpuRows y, int rows) => Gather(y, rows, Reduce(plan, y, rows, null, default, default));

    /// <summary>Adds the base's bias to what <see cref="Reduce"/> gave, but where a row's generation has that row of the weight.</summary>
    public void AddBias(ChangeLaunches changes, GpuVector bias, int target, int width, int rows, in SharedColumns columns)
    {
        ColumnsShape shape = ShapeOf(width, 0);
        changes.AddBias(
            kernels, bias, columns, rows,
            new BiasShape(target, shape.First(Shard), shape.First(Shard + 1), columns.Pitch, columns.First));
    }

    /// <summary>Brings the columns of all shards together in y.</summary>
    public void Gather(GpuRows y, int rows, in SharedColumns columns) =>
        Gather(y, rows, columns.IsBlock, ShapeOf(y.Width, Rounded((long)rows * ShapeOf(y.Width, 0).Share)));

    /// <summary>Brings numbers together, one for each unit of what shards share, of which each has its own in y.</summary>
    public void GatherUnits(GpuRows y, int rows) =>
        Gather(y, rows, isBlock: false, ShapeOf(y.Width, 1, Rounded((long)rows * ShapeOf(y.Width, 1, 0).Share)));

    private void Gather(GpuRows y, int rows, bool isBlock, in ColumnsShape shape)
    {
        ArrayView<float> block = collective.Sent;
        collective.Begin();
        if (!isBlock)
        {
            kernels.PackOwn(Stream, Blocks(rows, shape, 1), y.Values, block, shape);
        }

        collective.Show(shape.Stride);
        collective.Take(shape.Stride, perTarget: false);
        kernels.PlaceColumns(Stream, Launch.Elements(rows, y.Width), block, collective.Received, y.Values, shape);
        collective.End((long)rows * (y.Width - (shape.First(Shard + 1) - shape.First(Shard))), 0, isLora: false);
    }

    /// <summary>Where the deltas of this shard go in rows that all shards have.</summary>
    public SharedColumns OwnColumns(GpuRows y) => new(y.Values, y.Width, ShapeOf(y.Width, 0).First(Shard), false);

    /// <summary>
    /// Looks up the rows whose entries this shard has, and takes the others, with what has been shrunk of them.
    /// </summary>
    /// <param name="plan">The step.</param>
    /// <param name="table">This shard's entries.</param>
    /// <param name="firstEntry">The first of them.</param>
    /// <param name="x">Where all rows go.</param>
    /// <param name="target">The table, among what adapters change.</param>
    /// <param name="changes">Looks up entries that generations have; null where none of the step has any.</param>
    /// <param name="lora">What has been shrunk.</param>
    /// <param name="work">How much of it.</param>
    public void GatherEntries(
        StepPlan plan, GpuTable table, int firstEntry, GpuRows x, int target, ChangeLaunches? changes, in LoraShape lora, in RankWork work)
    {
        long ranks = Rounded(work.All);
        ReadOnlySpan<int> ends = _step.OwnerBorders[1..];
        int firstOwn = _step.OwnerBorders[Shard];
        int own = ends[Shard] - firstOwn;
        RanksShape rankShape = Ranks(1, whole: true, perTarget: false, ranks, 0);
        ArrayView<float> block = collective.Sent;
        var entries = new EntriesShape(x.Width, Shard, ranks, firstOwn);
        collective.Begin();
        if (work.All > 0)
        {
            kernels.PackRanks(
                Stream, Launch.Groups(plan.Lora.Chunks.Length), _lora.Shrunk, _directories.View, _step.Chunks, block, lora,
                Ranks(1, whole: true, perTarget: false, 0, 0));
        }

        if (own > 0)
        {
            ArrayView<float> rows = block.SubView(ranks, (long)own * x.Width);
            table.Kernels.LookUp(Stream, Launch.Elements(own, x.Width), table.Bytes, _step.OwnTokens, rows, x.Width);
            changes?.LookUpOwn(plan, target, kernels, firstEntry, rows, entries);
        }

        collective.Show(ranks + ((long)own * x.Width));
        collective.TakeRows(ranks, x.Width, ends);
        kernels.PlaceEntries(
            Stream, Launch.Elements(plan.RowCount, x.Width), block, collective.Received, _step.EntryPlaces, x.Values, entries);
        if (work.All > 0)
        {
            kernels.PlaceEntryRanks(
                Stream, Launch.Groups(plan.Lora.Chunks.Length), _lora.Shrunk, _directories.View, _step.Chunks, _step.EntryRows,
                _step.EntryPlaces, collective.Received, lora, rankShape, new SumLeaves(_step.OwnerBorders));
        }

        collective.End((long)(plan.RowCount - own) * x.Width, (Shards - 1) * work.All, isLora: false);
    }

    public void Dispose()
    {
        drain();
        link.Dispose();
        clock.Dispose();
    }

    /// <summary>Blocks begin where kernels expect views to.</summary>
    private static long Rounded(long numbers) => DeviceArena.Rounded(numbers * sizeof(float)) / sizeof(float);

    private void Add(ref RankWork work, StepPlan plan, int target)
    {
        foreach (WorkChunk chunk in plan.Lora.Chunks)
        {
            if (chunk.Adapter.Directory.Modules[target] is { } module)
            {
                (int first, int end) = Shares.OfRanks(module.Rank, Shard, Shards);
                work.All += (long)chunk.Count * module.Rank;
                work.Own += (long)chunk.Count * (end - first);
                work.Slots += (long)chunk.Count * ((module.Rank + Shards - 1) / Shards);
            }
        }
    }

    private static KernelConfig Blocks(int rows, ColumnsShape shape, int shards) =>
        Launch.Groups(rows, Launch.Blocks(shape.Share), shards);

    private ColumnsShape ShapeOf(int width, long stride) => ShapeOf(width, Shares.UnitOf(width, Shards), stride);

    private ColumnsShape ShapeOf(int width, int unit, long stride)
    {
        int share = ((width / unit) + Shards - 1) / Shards * unit;
        return new ColumnsShape(width, unit, share, Shard, Shards, stride);
    }

    private RanksShape Ranks(int parts, bool whole, bool perTarget, long offset, long stride) =>
        new(parts, whole ? 1 : 0, perTarget ? 1 : 0, Shard, Shards, offset, stride);
}

/// <summary>Numbers that adapters' shrunken rows have, of one operation.</summary>
internal struct RankWork
{
    /// <summary>Of all shards together.</summary>
    public long All;

    /// <summary>Of the ranks of this shard.</summary>
    public long Own;

    /// <summary>Of the ranks of the shard that has most, row by row: what a block has room for.</summary>
    public long Slots;
}

/// <summary>Where a shard has its columns of rows.</summary>
/// <param name="Values">The memory.</param>
/// <param name="Pitch">Elements from a row to the next.</param>
/// <param name="First">The first column.</param>
/// <param name="IsBlock">Whether they lie as they are sent.</param>
internal readonly record struct SharedColumns(ArrayView<float> Values, int Pitch, int First, bool IsBlock);
