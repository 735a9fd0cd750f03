namespace SLoRA.Sampling;

/// <summary>
/// The distinct tokens of one sequence, and how often each was generated: what the penalties need, without a counter per token of the
/// vocabulary. An open-addressed table over dense entries; adding a token is O(1), reading all is O(distinct tokens).
/// </summary>
internal sealed class TokenHistory
{
    private int[] _slots;
    private int[] _tokens;
    private int[] _generatedCounts;
    private int _count;

    /// <param name="capacity">How many distinct tokens fit before the table grows.</param>
    public TokenHistory(int capacity)
    {
        _tokens = new int[Math.Max(capacity, 16)];
        _generatedCounts = new int[_tokens.Length];
        _slots = NewSlots(_tokens.Length);
    }

    /// <summary>Every token seen, in the order of first sight.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, _count);

    /// <summary>How often each of <see cref="Tokens"/> was generated; 0 for those seen in the prompt only.</summary>
    public ReadOnlySpan<int> GeneratedCounts => _generatedCounts.AsSpan(0, _count);

    public void AddPrompt(ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
        {
            EntryOf(token);
        }
    }

    public void AddGenerated(ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
        {
            // The entry first: finding it may replace the array that the count lives in.
            int entry = EntryOf(token);
            _generatedCounts[entry]++;
        }
    }

    private int EntryOf(int token)
    {
        int slot = SlotOf(token);
        if (_slots[slot] == 0)
        {
            if (_count == _tokens.Length)
            {
                Grow();
                slot = SlotOf(token);
            }

            _tokens[_count] = token;
            _slots[slot] = ++_count;
        }

        return _slots[slot] - 1;
    }

    // A slot holds an entry's index plus one, 0 when free. There are at least twice as many slots as entries, so the search ends.
    private int SlotOf(int token)
    {
        int mask = _slots.Length - 1;
        int slot = (int)((uint)token * 2654435769u >> 8) & mask;
        while (_slots[slot] != 0 && _tokens[_slots[slot] - 1] != token)
        {
            slot = (slot + 1) & mask;
        }

        return slot;
    }

    private void Grow()
    {
        Array.Resize(ref _tokens, _tokens.Length * 2);
        Array.Resize(ref _generatedCounts, _tokens.Length);
        _slots = NewSlots(_tokens.Length);
        for (int i = 0; i < _count; i++)
        {
            _slots[SlotOf(_tokens[i])] = i + 1;
        }
    }

    private static int[] NewSlots(int entries) => new int[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)entries * 2)];
}
