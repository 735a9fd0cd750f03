namespace SLoRA.Text.Tokenization;

/// <summary>
/// The ids of words seen before. One belongs to one encoding at a time, so there is no lock. Bounded: when the texts or the ids
/// have filled their blocks, everything is forgotten and the cache starts anew.
/// </summary>
internal sealed class WordCache
{
    /// <summary>Longer words are not kept: they hardly come back.</summary>
    public const int MaxWord = 64;

    private const int SlotCount = 1 << 15;
    private const int MaxEntries = SlotCount / 2;
    private const int MaxChars = 1 << 18;
    private const int MaxIds = 1 << 17;

    private readonly Slot[] _slots = new Slot[SlotCount];
    private char[] _chars = new char[1 << 12];
    private int[] _ids = new int[1 << 11];
    private int _usedChars;
    private int _usedIds;
    private int _entries;

    /// <summary>Finds the ids of a word of at most <see cref="MaxWord"/> characters.</summary>
    public bool TryGet(ReadOnlySpan<char> word, uint hash, out ReadOnlySpan<int> ids)
    {
        Slot[] slots = _slots;
        for (uint at = hash % SlotCount; slots[at].Length != 0; at = (at + 1) % SlotCount)
        {
            ref Slot slot = ref slots[at];
            if (slot.Hash == hash && slot.Length == word.Length && word.SequenceEqual(_chars.AsSpan(slot.Chars, slot.Length)))
            {
                ids = _ids.AsSpan(slot.Ids, slot.Count);
                return true;
            }
        }

        ids = default;
        return false;
    }

    public void Add(ReadOnlySpan<char> word, uint hash, ReadOnlySpan<int> ids)
    {
        if (ids.Length > ushort.MaxValue)
        {
            return;
        }

        if (_entries == MaxEntries || _usedChars + word.Length > MaxChars || _usedIds + ids.Length > MaxIds)
        {
            Array.Clear(_slots);
            _entries = _usedChars = _usedIds = 0;
        }

        if (_usedChars + word.Length > _chars.Length)
        {
            Array.Resize(ref _chars, 2 * _chars.Length);
        }

        if (_usedIds + ids.Length > _ids.Length)
        {
            Array.Resize(ref _ids, Math.Max(2 * _ids.Length, _usedIds + ids.Length));
        }

        uint at = hash % SlotCount;
        while (_slots[at].Length != 0)
        {
            at = (at + 1) % SlotCount;
        }

        word.CopyTo(_chars.AsSpan(_usedChars));
        ids.CopyTo(_ids.AsSpan(_usedIds));
        _slots[at] = new Slot { Hash = hash, Chars = _usedChars, Ids = _usedIds, Length = (ushort)word.Length, Count = (ushort)ids.Length };
        _usedChars += word.Length;
        _usedIds += ids.Length;
        _entries++;
    }

    public static uint Hash(ReadOnlySpan<char> word)
    {
        ulong hash = (ulong)word.Length * 0x9E3779B97F4A7C15;
        ReadOnlySpan<byte> bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(word);
        while (bytes.Length >= 8)
        {
            hash = (hash ^ System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(bytes)) * 0x9E3779B97F4A7C15;
            hash ^= hash >> 32;
            bytes = bytes[8..];
        }

        ulong tail = 0;
        for (int i = 0; i < bytes.Length; i += 2)
        {
            tail = (tail << 16) | (uint)(bytes[i] | (bytes[i + 1] << 8));
        }

        hash = (hash ^ tail) * 0xD6E8FEB86659FD93;
        return (uint)(hash >> 32);
    }

    private struct Slot
    {
        public uint Hash;
        public int Chars;
        public int Ids;
        public ushort Length;
        public ushort Count;
    }
}
