using SLoRA.Step;

namespace SLoRA.Backends.Gpu;

/// <summary>Which of several shards has the entry of each row's token.</summary>
/// <param name="split">How the table is cut.</param>
/// <param name="shard">Which shard this is.</param>
/// <param name="shards">Shards.</param>
internal sealed class EntrySplit(Split split, int shard, int shards)
{
    private readonly int[] _borders = new int[shards + 1];
    private readonly int[] _next = new int[shards];
    private int[] _places = [];
    private int[] _own = [];
    private int _rows;

    /// <summary>How the table is cut.</summary>
    public Split Split => split;

    /// <summary>The first entry of this shard.</summary>
    public int First => split.Of(shard, shards).First;

    /// <summary>Where the rows of each shard begin if they are ordered by shard, and the end.</summary>
    public ReadOnlySpan<int> Borders => _borders;

    /// <summary>Per row the shard that has it, and its place in that order.</summary>
    public ReadOnlySpan<int> Places => _places.AsSpan(0, 2 * _rows);

    /// <summary>This shard's tokens, counted from its first entry.</summary>
    public ReadOnlySpan<int> OwnTokens => _own.AsSpan(0, _borders[shard + 1] - _borders[shard]);

    /// <summary>Finds out for the rows of a step.</summary>
    public void Find(ReadOnlySpan<int> tokens)
    {
        _rows = tokens.Length;
        if (_own.Length < _rows)
        {
            _own = new int[2 * _rows];
            _places = new int[4 * _rows];
        }

        Array.Clear(_borders);
        for (int row = 0; row < _rows; row++)
        {
            int owner = OwnerOf(tokens[row]);
            _places[2 * row] = owner;
            _borders[owner + 1]++;
        }

        for (int i = 0; i < shards; i++)
        {
            _next[i] = _borders[i];
            _borders[i + 1] += _borders[i];
        }

        for (int row = 0; row < _rows; row++)
        {
            int owner = _places[2 * row];
            int place = _next[owner]++;
            _places[(2 * row) + 1] = place;
            if (owner == shard)
            {
                _own[place - _borders[shard]] = tokens[row] - First;
            }
        }
    }

    private int OwnerOf(int token)
    {
        // The last shard has the tokens that the table does not have, which an adapter brings.
        int owner = 0;
        while (owner < shards - 1 && token >= split.Of(owner, shards).End)
        {
            owner++;
        }

        return owner;
    }
}
