using SLoRA.Planning;

namespace SLoRA.Evaluation.Fleet;

/// <summary>What every replica of a fleet is.</summary>
internal sealed record FleetPlan
{
    /// <summary>Replicas.</summary>
    public required int Replicas { get; init; }

    /// <summary>What their steps cost.</summary>
    public required StepCost Cost { get; init; }

    /// <summary>Tokens of a pool.</summary>
    public required int PoolTokens { get; init; }

    /// <summary>Tokens that one rank of an adapter takes the room of.</summary>
    public required int RankTokens { get; init; }

    /// <summary>The rank of an adapter.</summary>
    public required Func<int, int> RankOf { get; init; }

    /// <summary>Bytes of one rank of an adapter.</summary>
    public required double RankBytes { get; init; }

    /// <summary>Bytes per second from main memory into the pool.</summary>
    public required double LinkBandwidth { get; init; }

    /// <summary>Bytes of main memory for adapters.</summary>
    public required double HostBytes { get; init; }

    /// <summary>Bytes per second from the storage that has all adapters.</summary>
    public double StorageBandwidth { get; init; } = 2e9;

    /// <summary>Seconds until the storage answers.</summary>
    public double StorageLatency { get; init; } = 0.005;

    /// <summary>Rows of a step.</summary>
    public int RowsPerStep { get; init; } = 2048;

    /// <summary>Requests that run at once.</summary>
    public int Running { get; init; } = 1000;
}
