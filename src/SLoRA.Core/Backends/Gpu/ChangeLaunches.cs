using ILGPU;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// The launches for what generations do to modules besides adding B A; made only for modules that one of the step changes.
/// </summary>
internal sealed class ChangeLaunches(
    GpuDevice device, GpuKernels kernels, GpuPageMemory pages, AdapterDirectories directories, StepUpload step)
{
    /// <summary>Takes entries of the table from generations that have them: x <c>[T, width]</c>.</summary>
    public void LookUp(StepPlan plan, int target, GpuRows x)
    {
        if (plan.Lora.Changes(target))
        {
            kernels.ChangedLookUp(
                device.Stream, Launch.Groups(Launch.Blocks(x.Width), plan.Lora.Chunks.Length), pages.Floats, pages.Halves,
                directories.View, step.Chunks, step.EntryRows, step.Tokens, x.Values, TableShape(target, x));
        }
    }

    /// <summary>The same on one of several shards, for rows whose entries it has, in their order.</summary>
    /// <param name="plan">The step.</param>
    /// <param name="target">The table.</param>
    /// <param name="shared">The kernels of shards.</param>
    /// <param name="firstEntry">The first entry of this shard.</param>
    /// <param name="rows">Where the rows go.</param>
    /// <param name="shape">Which rows they are.</param>
    public void LookUpOwn(
        StepPlan plan, int target, ExchangeLaunchers shared, int firstEntry, ArrayView<float> rows, in EntriesShape shape)
    {
        if (plan.Lora.Changes(target))
        {
            shared.LookUp(
                device.Stream, Launch.Groups(Launch.Blocks(shape.Width), plan.Lora.Chunks.Length), pages.Floats, pages.Halves,
                directories.View, step.Chunks, step.EntryRows, step.Tokens, step.EntryPlaces, rows, target, firstEntry, shape);
        }
    }

    /// <summary>
    /// Adds the base's bias to columns that a shard has of a sum, but where a row's generation has that row of the weight.
    /// </summary>
    public void AddBias(ExchangeLaunchers shared, GpuVector bias, in SharedColumns columns, int rows, in BiasShape shape) => shared.AddBias(
        device.Stream, Launch.Groups(rows, Launch.Blocks(shape.EndColumn - shape.FirstColumn)), bias.Values, directories.View,
        step.ChangeOfRow, columns.Values, shape);

    /// <summary>Whether a generation of the step has rows of a module's weight.</summary>
    public static bool HasRows(StepPlan plan, int target)
    {
        foreach (WorkChunk chunk in plan.Lora.Chunks)
        {
            if (chunk.Adapter.Directory.ChangeOf(target)?.Rows is not null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a generation of the step has a factor or an offset of a module.</summary>
    public static bool HasSums(StepPlan plan, int target)
    {
        foreach (WorkChunk chunk in plan.Lora.Chunks)
        {
            if (chunk.Adapter.Directory.ChangeOf(target) is { } change && (change.Factor ?? change.Offset) is not null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Multiplies and adds to the entries of the table in one pass: x <c>[T, width]</c>.</summary>
    public void SumEmbedding(StepPlan plan, int pass, int target, GpuRows x)
    {
        if (plan.Lora.Changes(target))
        {
            Sum(plan, pass, x.Values, x.Width, 1, TableShape(target, x));
        }
    }

    /// <summary>
    /// Computes the outputs whose rows of the weight generations have: x <c>[rows, Inputs]</c>, y <c>[rows, Outputs]</c>.
    /// </summary>
    public void Product(StepPlan plan, LinearGroup group, GpuRows x, GpuRows y, LoraShape shape)
    {
        int most = 0;
        foreach (WorkChunk chunk in plan.Lora.Chunks)
        {
            foreach (LinearPart part in group.Parts)
            {
                most = Math.Max(most, chunk.Adapter.Directory.ChangeOf(part.Target)?.Rows?.Rows ?? 0);
            }
        }

        if (most > 0)
        {
            int blocks = (most + LoraKernels.GroupRanks - 1) / LoraKernels.GroupRanks;
            ChangedProductLauncher product = shape.Leaves.Count > 1 ? kernels.ChangedProductOfLeaves : kernels.ChangedProduct;
            product(
                device.Stream, Launch.Groups(blocks, plan.Lora.Chunks.Length, group.Parts.Length), x.Values, pages.Floats, pages.Halves,
                directories.View, step.Chunks, step.EntryRows, step.OutputOfRow, y.Values, shape);
        }
    }

    /// <summary>Multiplies and adds to a group of products in one pass: y <c>[rows, Outputs]</c>.</summary>
    public void SumProducts(StepPlan plan, int pass, LinearGroup group, GpuRows y, LoraShape shape)
    {
        bool isChanged = false;
        foreach (LinearPart part in group.Parts)
        {
            isChanged |= plan.Lora.Changes(part.Target);
        }

        if (isChanged)
        {
            Sum(plan, pass, y.Values, LoraLaunches.Columns(group, y), group.Parts.Length, shape);
        }
    }

    /// <summary>The same to columns that a shard has of rows.</summary>
    /// <param name="plan">The step.</param>
    /// <param name="pass">The pass.</param>
    /// <param name="target">The module.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="width">How many they are at most.</param>
    /// <param name="shape">Where they are.</param>
    public void SumColumns(StepPlan plan, int pass, int target, in SharedColumns columns, int width, in LoraShape shape)
    {
        if (plan.Lora.Changes(target))
        {
            Sum(plan, pass, columns.Values, width, 1, shape);
        }
    }

    /// <summary>A norm of which generations may have their own weight.</summary>
    public void Norm(GpuRows x, int firstColumn, int heads, GpuVector weight, float epsilon, int rows, GpuRows y) =>
        kernels.ChangedNorm(
            device.Stream, Launch.Groups(rows, heads), x.Values, weight.Values, pages.Floats, directories.View, step.ChangeOfRow,
            step.OutputRows, y.Values, new NormShape(x.Width, firstColumn, weight.Length, epsilon), Owners(x, weight));

    /// <summary>The same over a sum.</summary>
    public void AddNorm(GpuRows x, GpuRows y, GpuVector weight, float epsilon, int rows, GpuRows z) =>
        kernels.ChangedAddNorm(
            device.Stream, Launch.Groups(rows), x.Values, y.Values, weight.Values, pages.Floats, directories.View, step.ChangeOfRow,
            step.OutputRows, z.Values, new NormShape(x.Width, 0, x.Width, epsilon), Owners(x, weight));

    /// <summary>A layer norm of which generations may have their own weight and bias.</summary>
    public void LayerNorm(GpuRows x, GpuVector weight, GpuVector? bias, float epsilon, int rows, GpuRows y) =>
        kernels.ChangedLayerNorm(
            device.Stream, Launch.Groups(rows), x.Values, weight.Values, (bias ?? weight).Values, pages.Floats, directories.View,
            step.ChangeOfRow, step.OutputRows, y.Values, new LayerNormShape(x.Width, epsilon, bias is null ? 0 : 1), Owners(x, weight));

    /// <summary>Where rows find the generations that have their own weight of a norm.</summary>
    public static NormOwners Owners(GpuRows x, GpuVector weight) => new(weight.Target, x.Rows == RowSet.Output ? 1 : 0);

    private static LoraShape TableShape(int target, GpuRows x) => new(0, x.Width, 0, target, 0, 0, 0, 0, 0);

    /// <summary>One launch per place of adapters in their requests, as for deltas.</summary>
    private void Sum(StepPlan plan, int pass, ArrayView<float> y, int columns, int parts, in LoraShape shape)
    {
        (int from, int to) = plan.Lora.PlacesOf(pass);
        for (int place = from; place < to; place++)
        {
            (int first, int end) = plan.Lora.ChunksOfPlace(place);
            kernels.ChangedSum(
                device.Stream, Launch.Groups(Launch.Blocks(columns), end - first, parts), pages.Floats, directories.View,
                step.ChunksFrom(first), step.EntryRows, step.EntryWeights, step.OutputOfRow, y, shape);
        }
    }
}
