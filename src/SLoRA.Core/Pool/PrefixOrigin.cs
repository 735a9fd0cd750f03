using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace SLoRA.Pool;

/// <summary>One content that takes part in computing keys and values, and how strongly.</summary>
/// <param name="High">Upper half of the content's hash.</param>
/// <param name="Low">Lower half.</param>
/// <param name="WeightBits">The bits of its fp32 weight.</param>
internal readonly record struct PrefixPart(UInt128 High, UInt128 Low, int WeightBits);

/// <summary>
/// What sequences must have in common, besides their tokens, to share pages: the contents that answer them, in order, with their weights
/// (none for the base), the caller's salt, and the class of their lengths where keys depend on it. Equal
/// means equal in every part, not equal by hash.
/// </summary>
internal sealed class PrefixOrigin : IEquatable<PrefixOrigin>
{
    private readonly ImmutableArray<PrefixPart> _parts;
    private readonly string? _salt;

    /// <summary>An origin of these contents, this salt and this class of lengths.</summary>
    /// <param name="parts">The contents.</param>
    /// <param name="salt">The salt; null for none.</param>
    /// <param name="start">The first token that the contents take part in computing.</param>
    /// <param name="lengthClass">The class of lengths; 0 where keys do not depend on the length.</param>
    public PrefixOrigin(ImmutableArray<PrefixPart> parts, string? salt, int start = 0, int lengthClass = 0)
    {
        _parts = parts;
        _salt = salt;
        Start = start;
        LengthClass = lengthClass;
        Hash = HashOf(parts.AsSpan(), salt, start, lengthClass);
        Before = start > 0 ? new PrefixOrigin([], salt, lengthClass: lengthClass) : null;
    }

    /// <summary>
    /// The first token that the contents take part in computing. Sequences share what lies behind it only if it is the same: equal tokens
    /// do not say where it is, since it depends on those behind them too.
    /// </summary>
    public int Start { get; }

    /// <summary>The class of lengths; 0 where keys do not depend on the length.</summary>
    public int LengthClass { get; }

    /// <summary>The origin of the pages that end before <see cref="Start"/>: the base model's; null where there are none.</summary>
    public PrefixOrigin? Before { get; }

    /// <summary>Where the hash chain of its pages starts.</summary>
    public UInt128 Hash { get; }

    /// <summary>Whether a content takes part.</summary>
    public bool Contains(UInt128 high, UInt128 low)
    {
        foreach (PrefixPart part in _parts)
        {
            if (part.High == high && part.Low == low)
            {
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    public bool Equals(PrefixOrigin? other) =>
        ReferenceEquals(this, other)
        || (other is not null && Hash == other.Hash && Start == other.Start && LengthClass == other.LengthClass
            && string.Equals(_salt, other._salt, StringComparison.Ordinal) && _parts.AsSpan().SequenceEqual(other._parts.AsSpan()));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PrefixOrigin);

    /// <inheritdoc/>
    public override int GetHashCode() => Hash.GetHashCode();

    private static UInt128 HashOf(ReadOnlySpan<PrefixPart> parts, string? salt, int start, int lengthClass)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(BitConverter.GetBytes(parts.Length));
        foreach (PrefixPart part in parts)
        {
            hash.AppendData(BitConverter.GetBytes(part.High));
            hash.AppendData(BitConverter.GetBytes(part.Low));
            hash.AppendData(BitConverter.GetBytes(part.WeightBits));
        }

        hash.AppendData(BitConverter.GetBytes(start));
        hash.AppendData(BitConverter.GetBytes(lengthClass));
        hash.AppendData([(byte)(salt is null ? 0 : 1)]);
        hash.AppendData(MemoryMarshal.AsBytes(salt.AsSpan()));
        return MemoryMarshal.Read<UInt128>(hash.GetHashAndReset());
    }
}
