using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SLoRA.Formats;

/// <summary>
/// XXH64 with seed 0: 64 bits that tell bytes from damaged ones, at the speed of memory. It proves nothing about who wrote them.
/// </summary>
internal static class Checksum
{
    private const ulong Prime1 = 0x9E3779B185EBCA87;
    private const ulong Prime2 = 0xC2B2AE3D27D4EB4F;
    private const ulong Prime3 = 0x165667B19E3779F9;
    private const ulong Prime4 = 0x85EBCA77C2B2AE63;
    private const ulong Prime5 = 0x27D4EB2F165667C5;

    private const int Stripe = 4 * sizeof(ulong);

    /// <summary>The checksum of some bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var length = (ulong)bytes.Length;
        ulong sum = Prime5;
        if (bytes.Length >= Stripe)
        {
            ulong a = unchecked(Prime1 + Prime2), b = Prime2, c = 0, d = unchecked(0 - Prime1);
            ReadOnlySpan<Words> stripes = MemoryMarshal.Cast<byte, Words>(bytes);
            foreach (ref readonly Words words in stripes)
            {
                a = Round(a, Little(words.A));
                b = Round(b, Little(words.B));
                c = Round(c, Little(words.C));
                d = Round(d, Little(words.D));
            }

            bytes = bytes[(stripes.Length * Stripe)..];

            sum = BitOperations.RotateLeft(a, 1) + BitOperations.RotateLeft(b, 7) + BitOperations.RotateLeft(c, 12)
                + BitOperations.RotateLeft(d, 18);
            sum = Merge(Merge(Merge(Merge(sum, a), b), c), d);
        }

        sum += length;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            ulong word = Round(0, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            sum = (BitOperations.RotateLeft(sum ^ word, 27) * Prime1) + Prime4;
        }

        if (bytes.Length >= sizeof(uint))
        {
            sum = (BitOperations.RotateLeft(sum ^ (BinaryPrimitives.ReadUInt32LittleEndian(bytes) * Prime1), 23) * Prime2) + Prime3;
            bytes = bytes[sizeof(uint)..];
        }

        foreach (byte one in bytes)
        {
            sum = BitOperations.RotateLeft(sum ^ (one * Prime5), 11) * Prime1;
        }

        sum = (sum ^ (sum >> 33)) * Prime2;
        sum = (sum ^ (sum >> 29)) * Prime3;
        return sum ^ (sum >> 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Little(ulong word) => BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Round(ulong sum, ulong word) => BitOperations.RotateLeft(sum + (word * Prime2), 31) * Prime1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Merge(ulong sum, ulong part) => ((sum ^ Round(0, part)) * Prime1) + Prime4;

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private readonly record struct Words(ulong A, ulong B, ulong C, ulong D);
}
