using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SLoRA.Text.Tokenization.Models;

/// <summary>Merges of a BPE model: (left id, right id) to (rank, merged id), in an open hash table of 16 bytes a slot.</summary>
internal sealed class MergeTable
{
    private readonly Slot[] _slots;
    private readonly int _shift;

    public MergeTable(int count)
    {
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, count + (count / 2)));
        _slots = new Slot[size];
        _shift = 64 - BitOperations.Log2((uint)size);
        Array.Fill(_slots, new Slot { Pair = ulong.MaxValue });
    }

    /// <summary>Sets the merge of a pair. Returns false when the pair had one already, which is replaced.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Set(int left, int right, int rank, int merged)
    {
        ref Slot slot = ref Find(Key(left, right));
        bool isNew = slot.Pair == ulong.MaxValue;
        slot = new Slot { Pair = Key(left, right), Rank = rank, Merged = merged };
        return isNew;
    }

    /// <summary>The rank of a pair, or <see cref="int.MaxValue"/> when it has no merge.</summary>
    public int Rank(int left, int right, out int merged)
    {
        ref Slot slot = ref Find(Key(left, right));
        merged = slot.Merged;
        return slot.Pair == ulong.MaxValue ? int.MaxValue : slot.Rank;
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Slot Find(ulong key)
    {
        Slot[] slots = _slots;
        int mask = slots.Length - 1;
        int at = (int)((key * 0x9E3779B97F4A7C15 ^ (key >> 32) * 0xD6E8FEB86659FD93) >> _shift);
        while (slots[at].Pair != key && slots[at].Pair != ulong.MaxValue)
        {
            at = (at + 1) & mask;
        }

        return ref slots[at];
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Slot
    {
        public ulong Pair;
        public int Rank;
        public int Merged;
    }
}
