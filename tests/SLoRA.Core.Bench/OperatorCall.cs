namespace SLoRA.Core.Bench;

/// <summary>An operation of a step: how long it took, and what it cannot do without.</summary>
internal sealed class OperatorCall
{
    /// <summary>What it is called.</summary>
    public required string Name { get; init; }

    /// <summary>Best time.</summary>
    public double Seconds { get; set; }

    /// <summary>Operations on base weights.</summary>
    public double ProductOperations { get; set; }

    /// <summary>Operations in fp32 besides.</summary>
    public double FloatOperations { get; set; }

    /// <summary>Bytes of weights, adapters, keys and values.</summary>
    public double Bytes { get; set; }

    /// <summary>All operations.</summary>
    public double Operations => ProductOperations + FloatOperations;

    /// <summary>The time at the machine's limits; 0 for operations that only touch what the cache holds.</summary>
    public double Possible(MachineLimits limits, BaseWeights weights) => Math.Max(
        Bytes / limits.Bytes,
        (ProductOperations / (weights.IsQuantized ? limits.Integers : limits.Floats)) + (FloatOperations / limits.Floats));
}
