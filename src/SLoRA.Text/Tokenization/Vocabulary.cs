using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;

namespace SLoRA.Text.Tokenization;

/// <summary>
/// Tokens as UTF-8 and their ids, both ways. All tokens lie in one block of bytes; an open hash table finds the entry of a token and a
/// plain array the entry of an id (a dictionary when the ids have wide gaps, so that a hostile id allocates nothing).
/// Filled once while loading, then read by any number of threads.
/// </summary>
internal sealed class Vocabulary
{
    // Per process, so that a file cannot be made whose tokens all collide.
    private static readonly ulong Seed = (ulong)Random.Shared.NextInt64() | 1;

    private byte[] _bytes;
    private int _used;
    private int[] _starts;
    private int[] _ids;
    private int[] _slots;
    private int _shift;
    private int[] _entryOfId = [];
    private Dictionary<int, int>? _sparse;

    public Vocabulary(int expectedTokens, int expectedBytes)
    {
        _bytes = GC.AllocateUninitializedArray<byte>(Math.Max(expectedBytes, 64));
        int capacity = Math.Max(expectedTokens, 16);
        _starts = new int[capacity + 1];
        _ids = new int[capacity];
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)(2 * capacity));
        _slots = new int[size];
        _shift = 64 - BitOperations.Log2((uint)size);
    }

    /// <summary>The number of tokens.</summary>
    public int Count { get; private set; }

    /// <summary>The largest id, or -1.</summary>
    public int MaxId { get; private set; } = -1;

    /// <summary>The length in bytes of the longest token.</summary>
    public int MaxTokenBytes { get; private set; }

    /// <summary>Adds a token. When it is there already, the new id is the one that is found from now on, and false is returned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Add(ReadOnlySpan<byte> token, int id)
    {
        int slot = FindSlot(token);
        bool isNew = _slots[slot] == 0;
        if (Count == _ids.Length)
        {
            Grow();
            slot = FindSlot(token);
        }

        if (_used + token.Length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _used + token.Length));
        }

        token.CopyTo(_bytes.AsSpan(_used));
        _used += token.Length;
        _ids[Count] = id;
        Count++;
        _starts[Count] = _used;
        _slots[slot] = Count;
        MaxId = Math.Max(MaxId, id);
        MaxTokenBytes = Math.Max(MaxTokenBytes, token.Length);
        return isNew;
    }

    /// <summary>Builds the way from id to token. Returns the first id that two tokens share, or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int? Seal()
    {
        int? shared = null;
        if (MaxId < (8L * Count) + 65536)
        {
            _entryOfId = new int[MaxId + 1];
            for (int entry = 0; entry < Count; entry++)
            {
                if (_entryOfId[_ids[entry]] != 0)
                {
                    shared ??= _ids[entry];
                }

                _entryOfId[_ids[entry]] = entry + 1;
            }
        }
        else
        {
            _sparse = new Dictionary<int, int>(Count);
            for (int entry = 0; entry < Count; entry++)
            {
                if (!_sparse.TryAdd(_ids[entry], entry))
                {
                    shared ??= _ids[entry];
                }
            }
        }

        return shared;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGetId(ReadOnlySpan<byte> token, out int id)
    {
        int slot = _slots[FindSlot(token)];
        id = slot == 0 ? -1 : _ids[slot - 1];
        return slot != 0;
    }

    public bool TryGetId(ReadOnlySpan<char> token, out int id)
    {
        int max = Encoding.UTF8.GetMaxByteCount(token.Length);
        if (max <= 512)
        {
            Span<byte> small = stackalloc byte[512];
            return TryGetId(small[..Encoding.UTF8.GetBytes(token, small)], out id);
        }

        if (token.Length > MaxTokenBytes)
        {
            id = -1;
            return false;
        }

        return TryGetId(Encoding.UTF8.GetBytes(token.ToString()), out id);
    }

    /// <summary>The token of an id as UTF-8.</summary>
    public bool TryGetToken(int id, out ReadOnlySpan<byte> token)
    {
        int entry = -1;
        if (_sparse is null)
        {
            if ((uint)id < (uint)_entryOfId.Length)
            {
                entry = _entryOfId[id] - 1;
            }
        }
        else if (_sparse.TryGetValue(id, out int found))
        {
            entry = found;
        }

        token = entry < 0 ? default : Token(entry);
        return entry >= 0;
    }

    /// <summary>The token of an entry; entries are numbered in the order of the file.</summary>
    public ReadOnlySpan<byte> Token(int entry) => _bytes.AsSpan(_starts[entry].._starts[entry + 1]);

    public int Id(int entry) => _ids[entry];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Hash(ReadOnlySpan<byte> token)
    {
        ulong hash = Seed ^ (ulong)token.Length;
        while (token.Length >= 8)
        {
            hash = (hash ^ BinaryPrimitives.ReadUInt64LittleEndian(token)) * 0x9E3779B97F4A7C15;
            hash ^= hash >> 29;
            token = token[8..];
        }

        ulong tail = 0;
        for (int i = 0; i < token.Length; i++)
        {
            tail |= (ulong)token[i] << (8 * i);
        }

        hash = (hash ^ tail) * 0xD6E8FEB86659FD93;
        hash ^= hash >> 32;
        return hash * 0x9E3779B97F4A7C15;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int FindSlot(ReadOnlySpan<byte> token)
    {
        int mask = _slots.Length - 1;
        int slot = (int)(Hash(token) >> _shift);
        while (_slots[slot] != 0 && !Token(_slots[slot] - 1).SequenceEqual(token))
        {
            slot = (slot + 1) & mask;
        }

        return slot;
    }

    private void Grow()
    {
        Array.Resize(ref _ids, 2 * _ids.Length);
        Array.Resize(ref _starts, _ids.Length + 1);
        _slots = new int[2 * _slots.Length];
        _shift--;
        for (int entry = 0; entry < Count; entry++)
        {
            _slots[FindSlot(Token(entry))] = entry + 1;
        }
    }
}
