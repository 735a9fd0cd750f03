using ILGPU;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>The launches that add the deltas of adapters, and the memory of the shrunken rows between them.</summary>
internal sealed class LoraLaunches(
    GpuDevice device, GpuKernels kernels, GpuPageMemory pages, AdapterDirectories directories, StepUpload step) : IDisposable
{
    // Room for the shrunken rows of adapters up to this rank is taken at once; larger ranks take theirs when they first appear.
    private const int UsualRank = 64;

    private DeviceArena? _shrunk;
    private int _copies = 1;

    /// <summary>The shrunken rows.</summary>
    public ArrayView<float> Shrunk => _shrunk!.All.Cast<float>();

    /// <summary>Takes the memory that usual adapters need for so many rows.</summary>
    /// <param name="rowLimit">Rows of a step.</param>
    /// <param name="copies">The most routed rows of a row.</param>
    public void Reserve(int rowLimit, int copies)
    {
        _copies = copies;
        kernels.TensorAdapters?.Prepare();
        ReserveElements((long)LoraKernels.MaxParts * rowLimit * copies * UsualRank);
    }

    /// <summary>Takes the memory that the present step needs, where it is more than before.</summary>
    public void Begin() => ReserveElements(step.ShrunkLength * _copies);

    /// <summary>Adds the deltas of a look-up in one pass: x <c>[T, width]</c>.</summary>
    public void AddToEmbedding(StepPlan plan, int pass, int target, GpuRows x) =>
        Expand(plan, pass, x.Values, x.Width, 1, ShapeOfTable(target, x.Width, 0));

    /// <summary>What the kernels are told of a look-up.</summary>
    /// <param name="target">Index of the table among the target modules.</param>
    /// <param name="width">Columns of the rows.</param>
    /// <param name="firstColumn">Where the deltas' first column is.</param>
    public static LoraShape ShapeOfTable(int target, int width, int firstColumn) => new(0, width, 0, target, 0, 0, firstColumn, 0, 0);

    /// <summary>Shrinks the rows of a look-up in a table that begins at an entry.</summary>
    public void ShrinkEmbedding(int target, int firstEntry) => kernels.ShrinkEmbedding(
        device.Stream, Launch.Groups(step.ChunkCount), pages.Floats, pages.Halves, directories.View, step.Chunks,
        step.EntryRows, step.Tokens, Shrunk, target, firstEntry);

    /// <summary>What the kernels are told of a group of products.</summary>
    public static LoraShape ShapeOf(LinearGroup group, GpuRows x, GpuRows y) => ShapeOf(group, x, y.Width, 0);

    /// <summary>The same where the deltas go into rows of another width, from a column on.</summary>
    public static LoraShape ShapeOf(LinearGroup group, GpuRows x, int width, int firstColumn)
    {
        int parts = group.Parts.Length;
        if (parts > LoraKernels.MaxParts)
        {
            throw new NotSupportedException($"{parts} products share an input; the kernels take {LoraKernels.MaxParts}.");
        }

        return new LoraShape(
            group.Inputs, width, x.Rows == RowSet.Output ? 1 : 0,
            group.Parts[0].Target, parts > 1 ? group.Parts[1].Target : 0, parts > 2 ? group.Parts[2].Target : 0,
            firstColumn + group.Offsets[0], parts > 1 ? firstColumn + group.Offsets[1] : 0, parts > 2 ? firstColumn + group.Offsets[2] : 0,
            new SumLeaves(group.InputBorders.AsSpan()));
    }

    /// <summary>Shrinks the inputs of a group of products: x <c>[rows, Inputs]</c>.</summary>
    public void Shrink(LinearGroup group, GpuRows x, in LoraShape shape)
    {
        if (HasFactors)
        {
            ShrinkFor(shape)(
                device.Stream, Launch.Groups(step.ShrinkBlockCount, group.Parts.Length), x.Values, pages.Floats, pages.Halves,
                directories.View, step.ShrinkBlocks, step.Chunks, step.EntryRows, step.OutputOfRow, Shrunk, shape);
        }
    }

    /// <summary>Adds the deltas of a group of products in one pass: y <c>[rows, Outputs]</c>.</summary>
    public void AddToProducts(StepPlan plan, int pass, LinearGroup group, GpuRows y, in LoraShape shape)
    {
        if (HasFactors)
        {
            Expand(plan, pass, y.Values, Columns(group, y), group.Parts.Length, shape);
        }
    }

    /// <summary>The most columns that a part of a group may have: those of logits have some for added tokens.</summary>
    public static int Columns(LinearGroup group, GpuRows y)
    {
        if (group.Parts.Length == 1)
        {
            return y.Width;
        }

        int widest = 0;
        foreach (LinearPart part in group.Parts)
        {
            widest = Math.Max(widest, part.Weight.Outputs);
        }

        return widest;
    }

    private ShrinkLauncher ShrinkFor(in LoraShape shape) =>
        kernels.TensorAdapters is { } tensor && shape.Leaves.AreMultiplesOf(TensorProductKernels.Run) ? tensor.Shrink
        : shape.Leaves.Count > 1 ? kernels.ShrinkOfLeaves
        : kernels.Shrink;

    // Adapters without factors, which only change modules, have nothing to add, and drivers refuse an empty grid.
    private bool HasFactors => step.ShrinkBlockCount > 0;

    /// <summary>
    /// Adds what was shrunk to rows. One launch per place of adapters in their requests: within a place no row appears twice, so no two
    /// groups add to one element.
    /// </summary>
    /// <param name="plan">The step.</param>
    /// <param name="pass">The pass.</param>
    /// <param name="y">The rows.</param>
    /// <param name="columns">The most columns of a part.</param>
    /// <param name="parts">Parts.</param>
    /// <param name="shape">What the kernels are told.</param>
    public void Expand(StepPlan plan, int pass, ArrayView<float> y, int columns, int parts, in LoraShape shape)
    {
        (int from, int to) = plan.Lora.PlacesOf(pass);
        ExpandLauncher expand = kernels.TensorAdapters?.Expand ?? kernels.Expand;
        int blocks = kernels.TensorAdapters is null ? Launch.Blocks(Divide(columns, 8)) : Divide(columns, TensorExpand.Columns);
        for (int place = from; place < to; place++)
        {
            (int first, int end) = plan.Lora.ChunksOfPlace(place);
            expand(
                device.Stream, Launch.Groups(blocks, step.ExpandBlockCount(first, end), parts), Shrunk, pages.Floats, pages.Halves,
                directories.View, step.ExpandBlocksFrom(first), step.Chunks, step.EntryRows, step.EntryWeights, step.OutputOfRow, y, shape);
        }
    }

    public void Dispose() => _shrunk?.Dispose();

    private static int Divide(int elements, int groups) => (elements + groups - 1) / groups;

    private void ReserveElements(long elements)
    {
        if (_shrunk is null || _shrunk.All.Length < elements * sizeof(float))
        {
            device.Synchronize();
            _shrunk?.Dispose();
            _shrunk = new DeviceArena(device, elements * sizeof(float), "shrunken rows");
        }
    }
}
