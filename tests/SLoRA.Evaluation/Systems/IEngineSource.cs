using SLoRA.Evaluation.Runs;

namespace SLoRA.Evaluation.Systems;

/// <summary>Makes engines: real ones, or such whose compute is a model of its cost.</summary>
internal interface IEngineSource : IDisposable
{
    /// <summary>The time that its engines live in.</summary>
    RunClock Clock { get; }

    /// <summary>Makes an engine with adapters beside the weights.</summary>
    /// <param name="setup">What it serves with.</param>
    /// <param name="paddedRank">The rank that every adapter is padded to; null for none.</param>
    /// <param name="copies">Whether every step copies the adapters of its batch.</param>
    ServedEngine Create(SystemSetup setup, int? paddedRank, bool copies = false);

    /// <summary>Makes an engine without adapters, and what merges one into its weights; the base for a negative number.</summary>
    (ServedEngine Engine, Action<int> Merge) CreateMerging(SystemSetup setup);
}

/// <summary>Puts systems together.</summary>
internal static class ServingSystems
{
    /// <summary>Makes a system; null when the memory does not suffice for it at all.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="setup">What it serves with.</param>
    /// <param name="source">Makes its engines.</param>
    public static IServingSystem? Create(SystemKind kind, SystemSetup setup, IEngineSource source)
    {
        switch (kind)
        {
            case SystemKind.Unified:
                return source.Create(setup, null);
            case SystemKind.Padded:
                return WithRegions(source.Create(setup, setup.LargestRank, copies: true), setup, padded: true);
            case SystemKind.Regions:
                return WithRegions(source.Create(setup, null), setup, padded: false);
            case SystemKind.Slots:
                return WithRegions(source.Create(setup, setup.LargestRank), setup, padded: true);
            case SystemKind.OneAtATime:
                ServedEngine one = source.Create(setup, null);
                one.Gate = new OneAdapterGate(_ => { });
                return one;
            case SystemKind.OneMerged:
                (ServedEngine merged, Action<int> merge) = source.CreateMerging(setup);
                merged.Gate = new OneAdapterGate(merge);
                return merged;
            case SystemKind.MergedCopies:
                return Copies(setup, source);
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no such system.");
        }
    }

    private static ServedEngine? WithRegions(ServedEngine engine, SystemSetup setup, bool padded)
    {
        int largest = Enumerable.Range(0, setup.Adapters).Select(engine.PagesOf).DefaultIfEmpty(0).Max();
        int region = (int)(setup.RegionShare * engine.TotalPages);
        if (largest > region)
        {
            engine.Dispose();
            return null;
        }

        // Slots are whole; what is left of the part for adapters is nobody's.
        region = padded && largest > 0 ? region / largest * largest : region;
        engine.Gate = new RegionGate(
            region, engine.TotalPages - (int)(setup.RegionShare * engine.TotalPages), engine.PagesOf, engine.PagesFor, engine.Evict);
        return engine;
    }

    private static MergedCopies? Copies(SystemSetup setup, IEngineSource source)
    {
        int count = Math.Max(1, setup.Adapters);
        long share = (setup.PoolBytes - ((count - 1) * setup.WeightBytes)) / count;
        if (share <= 0)
        {
            return null;
        }

        List<ServedEngine> copies = [];
        for (int i = 0; i < count; i++)
        {
            (ServedEngine copy, Action<int> merge) = source.CreateMerging(setup with { PoolBytes = share });
            merge(setup.Adapters == 0 ? -1 : i);
            copies.Add(copy);
        }

        return new MergedCopies(copies);
    }
}
