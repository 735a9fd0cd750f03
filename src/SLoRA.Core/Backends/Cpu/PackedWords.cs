using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>Parts of words of 32 bits, 16 at a time: a word for each output of a panel.</summary>
internal static unsafe class PackedWords
{
    private const uint Lower = 0xFFFF;

    /// <summary>The lower halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Low(uint* words, ushort* to)
    {
        for (int i = 0; i < CpuMatrix.PanelOutputs; i += Vector128<ushort>.Count)
        {
            Vector128.Narrow(
                Vector128.Load(words + i) & Vector128.Create(Lower),
                Vector128.Load(words + i + Vector128<uint>.Count) & Vector128.Create(Lower)).Store(to + i);
        }
    }

    /// <summary>The upper halves, with some of their bits changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void High(uint* words, ushort* to, ushort changed = 0)
    {
        for (int i = 0; i < CpuMatrix.PanelOutputs; i += Vector128<ushort>.Count)
        {
            Vector128<ushort> halves = Vector128.Narrow(
                Vector128.Load(words + i) >>> 16, Vector128.Load(words + i + Vector128<uint>.Count) >>> 16);
            (halves ^ Vector128.Create(changed)).Store(to + i);
        }
    }

    /// <summary>The bytes that begin at a bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LowBytes(uint* words, int bit, byte* to)
    {
        Vector128<uint> mask = Vector128.Create((uint)byte.MaxValue);
        const int Count = 4;
        Vector128<ushort> first = Vector128.Narrow(
            (Vector128.Load(words) >>> bit) & mask, (Vector128.Load(words + Count) >>> bit) & mask);
        Vector128<ushort> second = Vector128.Narrow(
            (Vector128.Load(words + (2 * Count)) >>> bit) & mask, (Vector128.Load(words + (3 * Count)) >>> bit) & mask);
        Vector128.Narrow(first, second).Store(to);
    }
}
