using System.Collections.Immutable;
using ILGPU;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>The launches of mixtures of experts. What rows choose is known to the device alone: grids have room for every choice.</summary>
internal sealed class ExpertLaunches(GpuDevice device, ExpertKernels kernels)
{
    /// <summary>Chooses experts, and sorts the routed rows by them.</summary>
    public void Route(GpuRows logits, int rows, Routing routing, GpuVector? correction, GpuVector? factors, GpuRoutes routes)
    {
        int choices = rows * routing.Chosen;
        // A view that nobody reads stands in for a vector that is not there.
        kernels.Choose(
            device.Stream, Launch.Groups(rows), logits.Values, correction is null ? logits.Values : correction.Values,
            factors is null ? logits.Values : factors.Values, routes.Expert, routes.Weight,
            new RouteShape(routing, correction is null ? 0 : 1, factors is null ? 0 : 1));
        if (routes.IsPart)
        {
            kernels.KeepOwn(
                device.Stream, Launch.Groups(Launch.Blocks(choices)), routes.Expert, routes.ChoiceOf, routes.RowOf, choices,
                routes.Own.First);
        }

        Sort(routes, choices);
    }

    /// <summary>Sorts the routed rows by the experts that have been chosen.</summary>
    public void Sort(GpuRoutes routes, int choices)
    {
        kernels.Count(device.Stream, Launch.Groups(routes.Own.Count), routes.Expert, routes.Counts, choices);
        kernels.Sort(
            device.Stream, Launch.Groups(routes.Own.Count), routes.Expert, routes.Counts, routes.ChoiceOf, routes.RowOf, routes.Tiles,
            routes.TileCount, choices, routes.TileRows(choices));
    }

    /// <summary>Rows of the step to routed rows, of which there are <paramref name="choices"/>.</summary>
    public void Spread(GpuRows x, GpuRoutes routes, bool weighted, GpuRows y, int choices) => kernels.Spread(
        device.Stream, Launch.Elements(choices, y.Width), x.Values, routes.ChoiceOf, routes.Weight, y.Values, y.Width, routes.Chosen,
        weighted ? 1 : 0);

    /// <summary>Routed rows to rows of the step: the sums over the experts that are here.</summary>
    public void Combine(GpuRows x, GpuRoutes routes, bool weighted, GpuRows y, int rows) => kernels.Combine(
        device.Stream, Launch.Elements(rows, y.Width), x.Values, routes.RowOf, routes.Expert, routes.Weight, y.Values,
        new CombineShape(y.Width, routes.Chosen, weighted ? 1 : 0, routes.Leaves));

    /// <summary>Adds rows, each times the sigmoid of its gate.</summary>
    public void AddGated(GpuRows y, GpuRows gate, GpuRows x, int rows) =>
        kernels.AddGated(device.Stream, Launch.Elements(rows, y.Width), y.Values, gate.Values, x.Values, y.Width);

    /// <summary>Applies a gate with limits.</summary>
    public void Gate(ClampedGate gate, GpuRows x, GpuRows y, int rows) => kernels.GateClamped(
        device.Stream, Launch.Elements(rows, y.Width), x.Values, y.Values, y.Width, gate.Limit, gate.Alpha);

    /// <summary>Multiplies routed rows by the matrices of their experts.</summary>
    public void Multiply(ExpertLinear linear, GpuRows x, GpuRoutes routes, GpuRows y, int choices)
    {
        var experts = (GpuExperts)linear.Weights;
        var bias = (GpuVector?)linear.Bias;
        var shape = new ProductShape(choices, experts.Inputs, experts.Outputs, y.Width, 0, bias is null ? 0 : 1);
        bool few = routes.TileRows(choices) <= 4;
        int outputs = few ? ProductKernels.FewOutputs : ProductKernels.TileOutputs;
        KernelConfig config = Launch.Groups((experts.Outputs + outputs - 1) / outputs, routes.MostTiles(choices));
        ArrayView<float> added = bias is null ? x.Values : bias.Values;
        if (few)
        {
            experts.Kernels.FewOfExperts(device.Stream, config, x.Values, experts.Bytes, added, routes, y.Values, shape);
        }
        else
        {
            experts.Kernels.ManyOfExperts(device.Stream, config, x.Values, experts.Bytes, added, routes, y.Values, shape);
        }
    }

    /// <summary>
    /// Adds the deltas of adapters on experts, one target after the other and for each one launch per place of adapters in their requests:
    /// within a place no row appears twice.
    /// </summary>
    public void AddDeltas(
        StepPlan plan, ImmutableArray<ExpertTargets> targets, GpuRows x, GpuRoutes routes, GpuRows y, StepUpload step,
        GpuPageMemory pages, ArrayView<int> directory, ArrayView<float> shrunk)
    {
        foreach (ExpertTargets target in targets)
        {
            var shape = new ExpertLoraShape(x.Width, y.Width, routes.Chosen, 0, target.FirstTarget, target.FirstColumn);
            kernels.Shrink(
                device.Stream, Launch.Groups(step.EntryCount * routes.Chosen, step.RankBlocks), x.Values, pages.Floats,
                pages.Halves, directory, step.Chunks, step.EntryChunks, step.EntryRows, routes.Expert, routes.RowOf, shrunk, shape);
            ReadOnlySpan<int> places = plan.Lora.PlaceStarts;
            for (int place = 0; place < places.Length; place++)
            {
                int first = plan.Lora.Chunks[places[place]].First;
                int end = place + 1 < places.Length ? plan.Lora.Chunks[places[place + 1]].First : step.EntryCount;
                kernels.Expand(
                    device.Stream, Launch.Groups(Launch.Blocks(target.Columns), (end - first) * routes.Chosen), shrunk, pages.Floats,
                    pages.Halves, directory, step.Chunks, step.EntryChunks, step.EntryRows, step.EntryWeights, routes.Expert, routes.RowOf,
                    y.Values, new ExpertLoraShape(x.Width, y.Width, routes.Chosen, first, target.FirstTarget, target.FirstColumn));
            }
        }
    }
}
