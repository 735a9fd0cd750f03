namespace SLoRA.Core.Tests.Backends.Gpu.Lint;

/// <summary>Parameters of kernels, and fields of them, that divide, and why none of them is 0 there.</summary>
internal static class PositiveParameters
{
    private const string Heads = "a head has columns, and a key head query heads";
    private const string Experts = "a router chooses one expert at least, of one group at least, and tiles have rows";
    private const string Shards = "a launch of several devices, each with a whole unit";
    private const string Blocks = "a launch without groups along an axis is none";

    private static readonly Dictionary<string, string> _reasons = new()
    {
        ["CacheShape.HeadDim"] = Heads,
        ["CacheShape.HeadsPerKey"] = Heads,
        ["HeadsNormShape.Shared"] = Heads,
        ["IntegerCache.TokenWords"] = Heads,
        ["LatentKernels.TakeHeads.heads"] = Heads,
        ["QuerySharing.Heads"] = Heads,
        ["RecurrenceShape.HeadsPerGroup"] = Heads,
        ["RegroupShape.Columns"] = Heads,
        ["RotationShape.Pairs"] = "divides in loops over pairs alone, which are not computed ahead; 0 without a rotary embedding",
        ["PositionShape.Length"] = "scales by position are those of models with a length",
        ["StatePlace.PageSlots"] = "a page holds a slot of a state at least",
        ["QuerySharing.HeadBlocks"] = Blocks,
        ["QuerySharing.RowBlocks"] = Blocks,
        ["RanksShape.Parts"] = Blocks,
        ["ColumnsShape.Shards"] = Shards,
        ["ColumnsShape.Unit"] = Shards,
        ["RanksShape.Shards"] = Shards,
        ["ExpertLoraShape.Chosen"] = Experts,
        ["LatentKernels.ChooseAll.chosen"] = Experts,
        ["RouteKernels.Sort.tileRows"] = Experts,
        ["RouteShape.Groups"] = Experts,
        ["RoutedRowKernels.Spread.chosen"] = Experts,
    };

    /// <summary>Whether a parameter is on the list.</summary>
    public static bool Has(string name) => _reasons.ContainsKey(name);
}
