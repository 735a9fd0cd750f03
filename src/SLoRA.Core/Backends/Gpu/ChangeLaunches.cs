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

    /// <summary>Multiplies and adds to the entries of the table in one pass: x <c>[T, width]</c>.</summary>
    public void SumEmbedding(StepPlan plan, int pass, int target, GpuRows x)
    {
        if (plan.Lora.Changes(target))
        {
            Sum(plan, pass, x, x.Width, 1, TableShape(target, x));
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
            kernels.ChangedProduct(
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
            Sum(plan, pass, y, LoraLaunches.Columns(group, y), group.Parts.Length, shape);
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

    private static NormOwners Owners(GpuRows x, GpuVector weight) => new(weight.Target, x.Rows == RowSet.Output ? 1 : 0);

    private static LoraShape TableShape(int target, GpuRows x) => new(0, x.Width, 0, target, 0, 0, 0, 0, 0);

    /// <summary>One launch per place of adapters in their requests, as for deltas.</summary>
    private void Sum(StepPlan plan, int pass, GpuRows y, int columns, int parts, LoraShape shape)
    {
        (int from, int to) = plan.Lora.PlacesOf(pass);
        for (int place = from; place < to; place++)
        {
            (int first, int end) = plan.Lora.ChunksOfPlace(place);
            kernels.ChangedSum(
                device.Stream, Launch.Groups(Launch.Blocks(columns), end - first, parts), pages.Floats, directories.View,
                step.ChunksFrom(first), step.EntryRows, step.EntryWeights, step.OutputOfRow, y.Values, shape);
        }
    }
}
