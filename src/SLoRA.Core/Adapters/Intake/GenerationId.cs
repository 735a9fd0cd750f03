using System.Buffers.Binary;
using System.Globalization;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// The identity of a generation: a hash of everything that its function depends on, and of nothing else. The same content under two names,
/// in two folders, or with its configuration written differently is the same generation.
/// </summary>
internal readonly record struct GenerationId(UInt128 High, UInt128 Low)
{
    /// <summary>Bytes of the hash.</summary>
    public const int Bytes = 32;

    /// <summary>The identity with this hash of <see cref="Bytes"/> bytes.</summary>
    public static GenerationId FromHash(ReadOnlySpan<byte> hash) =>
        new(BinaryPrimitives.ReadUInt128BigEndian(hash), BinaryPrimitives.ReadUInt128BigEndian(hash[16..Bytes]));

    /// <summary>The first 12 hexadecimal digits, enough for people to tell generations apart.</summary>
    public override string ToString() => High.ToString("x32", CultureInfo.InvariantCulture)[..12];
}
