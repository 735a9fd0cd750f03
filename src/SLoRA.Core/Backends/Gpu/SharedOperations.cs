using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>The products and look-ups of a model that several devices share, with what generations add to them.</summary>
/// <param name="shard">What this device exchanges with the others.</param>
/// <param name="device">The device.</param>
/// <param name="products">Products with base weights.</param>
/// <param name="lora">What adapters add.</param>
/// <param name="changes">What generations have in the place of the base's weights.</param>
internal sealed class SharedOperations(
    GpuShard shard, GpuDevice device, BaseProducts products, LoraLaunches lora, ChangeLaunches changes)
{
    /// <summary>Products of which every shard has some outputs: ranks are gathered beside them.</summary>
    public void Multiply(StepPlan plan, LinearGroup group, GpuRows x, int rows, GpuRows y)
    {
        if (plan.Lora.Chunks.IsEmpty)
        {
            products.Multiply(device.Stream, group, x.Values, rows, y.Values, y.Width);
            return;
        }

        RankWork work = shard.WorkOf(plan, group);
        LoraShape shape = LoraLaunches.ShapeOf(group, x, y);
        if (work.All > 0)
        {
            lora.Shrink(group, x, shape);
            shard.ShowRanks(plan, shape, group.Parts.Length, work);
        }

        products.Multiply(device.Stream, group, x.Values, rows, y.Values, y.Width);
        if (plan.Lora.HasChanges)
        {
            changes.Product(plan, group, x, y, shape);
        }

        if (work.All > 0)
        {
            shard.TakeRanks(plan, shape, group.Parts.Length, work);
        }

        for (int pass = 0; pass < plan.Lora.Passes; pass++)
        {
            if (work.All > 0)
            {
                lora.AddToProducts(plan, pass, group, y, shape);
            }

            if (plan.Lora.HasChanges)
            {
                changes.SumProducts(plan, pass, group, y, shape);
            }
        }
    }

    /// <summary>
    /// A product of whose inputs every shard has some: sums are added up, each shard's columns by itself, get their bias and their deltas
    /// there, and are brought together.
    /// </summary>
    public void Sum(StepPlan plan, LinearGroup group, GpuRows x, int rows, GpuRows y)
    {
        int target = group.Parts[0].Target;
        var bias = (GpuVector?)group.Parts[0].Bias;
        RankWork work = shard.WorkOf(plan, group);
        LoraShape shape = LoraLaunches.ShapeOf(group, x, y);
        bool hasRows = plan.Lora.HasChanges && ChangeLaunches.HasRows(plan, target);
        products.Multiply(device.Stream, group, x.Values, rows, y.Values, y.Width, withBias: false);
        if (hasRows)
        {
            changes.Product(plan, group, x, y, shape);
        }

        if (work.All > 0)
        {
            lora.Shrink(group, x, shape);
        }

        // What own rows give has no bias of the base.
        SharedColumns columns = shard.Reduce(plan, y, rows, hasRows ? null : bias, shape, work);
        if (hasRows && bias is not null)
        {
            shard.AddBias(changes, bias, target, y.Width, rows, columns);
        }

        if (!plan.Lora.Chunks.IsEmpty)
        {
            AddToColumns(plan, columns, target, y.Width, LoraLaunches.ShapeOf(group, x, columns.Pitch, columns.First), work);
        }

        shard.Gather(y, rows, columns);
    }

    /// <summary>A look-up in a table of which every shard has some entries; deltas are added as to a sum.</summary>
    public void Embed(StepPlan plan, EntrySplit entries, GpuTable table, int target, GpuRows x)
    {
        RankWork work = target < 0 ? default : shard.WorkOf(plan, target);
        if (work.All > 0)
        {
            lora.ShrinkEmbedding(target, entries.First);
        }

        bool isChanged = plan.Lora.HasChanges && target >= 0;
        shard.GatherEntries(
            plan, table, entries.First, x, target, isChanged ? changes : null, LoraLaunches.ShapeOfTable(target, x.Width, 0), work);
        if (work.All > 0 || (isChanged && ChangeLaunches.HasSums(plan, target)))
        {
            SharedColumns columns = shard.OwnColumns(x);
            AddToColumns(plan, columns, target, x.Width, LoraLaunches.ShapeOfTable(target, columns.Pitch, columns.First), work);
            shard.Gather(x, plan.RowCount, columns);
        }
    }

    /// <summary>Adds to this shard's columns what generations add.</summary>
    private void AddToColumns(StepPlan plan, in SharedColumns columns, int target, int width, in LoraShape shape, in RankWork work)
    {
        for (int pass = 0; pass < plan.Lora.Passes; pass++)
        {
            if (work.All > 0)
            {
                lora.Expand(plan, pass, columns.Values, width, 1, shape);
            }

            if (plan.Lora.HasChanges)
            {
                changes.SumColumns(plan, pass, target, columns, width, shape);
            }
        }
    }
}
