using System.Numerics;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// Sequences in the order of their arrival. Each has a slot until it leaves, from wherever it stands; a bit for each slot says whether it
/// is ready, so that the next one that is ready is found among a hundred thousand in a microsecond. Belongs to the engine's thread.
/// </summary>
internal sealed class WaitingLine
{
    private const int BitsOfWord = 64;

    private Sequence?[] _slots = new Sequence?[BitsOfWord];
    private ulong[] _ready = new ulong[1];
    private int _first;
    private int _end;

    /// <summary>Sequences in the line.</summary>
    public int Count { get; private set; }

    /// <summary>Those that are ready.</summary>
    public int Ready { get; private set; }

    /// <summary>The one that has waited longest, ready or not; null when there is none.</summary>
    public Sequence? First
    {
        get
        {
            while (_first < _end && _slots[_first] is null)
            {
                _first++;
            }

            return _first < _end ? _slots[_first] : null;
        }
    }

    /// <summary>Puts a sequence at the end.</summary>
    public void Add(Sequence sequence, bool isReady)
    {
        if (_end == _slots.Length)
        {
            CloseGaps();
        }

        sequence.Slot = _end;
        _slots[_end++] = sequence;
        Count++;
        SetReady(sequence, isReady);
    }

    /// <summary>Takes a sequence out; the others keep their slots.</summary>
    public void Remove(Sequence sequence)
    {
        SetReady(sequence, false);
        _slots[sequence.Slot] = null;
        if (--Count == 0)
        {
            _first = _end = 0;
        }
    }

    /// <summary>Says whether a sequence is ready.</summary>
    public void SetReady(Sequence sequence, bool isReady)
    {
        ref ulong word = ref _ready[sequence.Slot / BitsOfWord];
        ulong bit = 1UL << sequence.Slot;
        if ((word & bit) != 0 != isReady)
        {
            word ^= bit;
            Ready += isReady ? 1 : -1;
        }
    }

    /// <summary>The next sequence, in the order of arrival, ready or not.</summary>
    /// <param name="slot">The slot to begin behind; −1 for the head of the line.</param>
    public Sequence? Next(int slot)
    {
        if (slot < _first)
        {
            return First;
        }

        for (int i = slot + 1; i < _end; i++)
        {
            if (_slots[i] is { } sequence)
            {
                return sequence;
            }
        }

        return null;
    }

    /// <summary>The next sequence that is ready, in the order of arrival.</summary>
    /// <param name="slot">The slot to begin behind; −1 for the head of the line. Slots stay as they are until the next
    /// <see cref="Add"/>.</param>
    public Sequence? NextReady(int slot)
    {
        int from = Math.Max(slot + 1, _first);
        if (from >= _end)
        {
            return null;
        }

        int word = from / BitsOfWord;
        ulong bits = _ready[word] & (ulong.MaxValue << from);
        for (int last = (_end - 1) / BitsOfWord; bits == 0; bits = _ready[word])
        {
            if (++word > last)
            {
                return null;
            }
        }

        return _slots[(word * BitsOfWord) + BitOperations.TrailingZeroCount(bits)];
    }

    /// <summary>
    /// Moves everybody up, into more room unless half of the slots are empty; so a sequence costs the same however many there are.
    /// </summary>
    private void CloseGaps()
    {
        Sequence?[] old = _slots;
        _slots = new Sequence?[Count > old.Length / 2 ? 2 * old.Length : old.Length];
        ulong[] ready = _ready;
        _ready = new ulong[_slots.Length / BitsOfWord];
        _first = _end = 0;
        for (int i = 0; i < old.Length; i++)
        {
            if (old[i] is not { } sequence)
            {
                continue;
            }

            _ready[_end / BitsOfWord] |= ((ready[i / BitsOfWord] >> i) & 1) << _end;
            sequence.Slot = _end;
            _slots[_end++] = sequence;
        }
    }
}
