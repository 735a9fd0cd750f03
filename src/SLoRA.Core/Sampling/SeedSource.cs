using System.Buffers.Binary;
using System.Security.Cryptography;

namespace SLoRA.Sampling;

/// <summary>Seeds for the requests that bring none. One per engine; any thread may ask it.</summary>
internal sealed class SeedSource
{
    private readonly ulong _key;
    private long _drawn;

    /// <summary>Starts from the operating system's randomness.</summary>
    public SeedSource()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        _key = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    /// <summary>Starts from a known key, so that a whole engine repeats.</summary>
    public SeedSource(ulong key)
    {
        _key = key;
    }

    /// <summary>The request's own seed, or a fresh one.</summary>
    public ulong SeedFor(SamplingOptions options) => options.Seed is long seed ? unchecked((ulong)seed) : Next();

    private ulong Next() => Philox.Bits(_key, (ulong)Interlocked.Increment(ref _drawn), 0).Low;
}
