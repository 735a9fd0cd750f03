namespace SLoRA;

/// <summary>The page pool, which holds the KV cache and the weights of adapters alike.</summary>
public sealed class PoolOptions
{
    /// <summary>Bytes of the pool, rounded down to whole pages. At most 1 PiB; the default is 1 GiB.</summary>
    public long Bytes { get; set; } = 1L << 30;

    /// <summary>Tokens per page, a power of two up to 256. Null takes the largest power of two ≤ 16 whose page is at most 2 MiB.</summary>
    public int? PageTokens { get; set; }

    /// <summary>Element type of keys and values. The default is the weights' own type if that has 16 bits, else fp32.</summary>
    public CacheType CacheType { get; set; }

    /// <summary>
    /// Whether full pages of keys and values are kept after their sequence, and shared by later ones that begin with the same tokens, under
    /// the same adapters and weights and the same <see cref="GenerationOptions.CacheSalt"/>. The default is true. Models that
    /// keep a state of a sequence, as recurrent layers do, share nothing either way.
    /// </summary>
    public bool PrefixReuse { get; set; } = true;

    /// <summary>Element type of adapter weights in the pool. The default is as stored, but 16 bits for a base of 16 bits.</summary>
    public AdapterWeightType AdapterWeights { get; set; }

    /// <summary>The options as they stand now.</summary>
    internal PoolOptions Copy() => (PoolOptions)MemberwiseClone();
}

/// <summary>Element type of keys and values in the pool.</summary>
public enum CacheType
{
    /// <summary>The type of the base weights.</summary>
    Weights,

    /// <summary>32-bit floating point.</summary>
    Float32,

    /// <summary>16-bit floating point, 5 bits of exponent.</summary>
    Float16,

    /// <summary>16-bit floating point, 8 bits of exponent.</summary>
    BFloat16,

    /// <summary>
    /// 8-bit integers, with an fp32 scale for each token's key and value of a head: half the bytes of 16 bits and a little more, at some
    /// loss of precision (docs/quantisation.md). States of recurrent layers stay fp32.
    /// </summary>
    Int8,
}
