using Microsoft.Extensions.Logging;
using SLoRA.Adapters.Intake;
using SLoRA.Backends;
using SLoRA.Models.Blocks;

namespace SLoRA.Engine;

/// <summary>
/// What an engine is built from: a copy of everything that its builder held at that moment, so that neither the builder nor an options
/// object reaches an engine that is being built or runs.
/// </summary>
internal sealed record EngineDescription
{
    /// <summary>The folder of the base model; null when none was named.</summary>
    public required string? Model { get; init; }

    /// <summary>How its files are held.</summary>
    public required ModelAccess Access { get; init; }

    /// <summary>Makes the device: (most rows of a step, most rows with logits) → backend.</summary>
    public required Func<int, int, IBackend> CreateBackend { get; init; }

    /// <summary>What the decoder of the model is changed to before it is loaded.</summary>
    public required Func<DecoderDescription, DecoderDescription> Layers { get; init; }

    /// <summary>The pool.</summary>
    public required PoolOptions Pool { get; init; }

    /// <summary>The limits.</summary>
    public required SchedulingOptions Scheduling { get; init; }

    /// <summary>How adapters come into the pool.</summary>
    public required AdapterCacheOptions AdapterCache { get; init; }

    /// <summary>What is measured.</summary>
    public required MetricsOptions Metrics { get; init; }

    /// <summary>Adapters to register.</summary>
    public required IReadOnlyList<AdapterPackage> Adapters { get; init; }

    /// <summary>Where unknown names are looked up; null for nowhere.</summary>
    public required IAdapterSource? Source { get; init; }

    /// <summary>Where the engine logs; never throws.</summary>
    public required ILogger Logger { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Whether the invariants are checked after every step.</summary>
    public required bool ChecksInvariants { get; init; }

    /// <summary>Starts the engine's thread.</summary>
    public required Action<ThreadStart> StartThread { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="InvalidOptionException">One has an impossible value.</exception>
    public void Check()
    {
        OptionRules.Check(Scheduling);
        OptionRules.Check(Pool);
        OptionRules.Check(AdapterCache);
        OptionRules.Check(Metrics);
    }
}
