using System.Numerics;

namespace SLoRA.Text.Tokenization.Models;

/// <summary>A trie over the tokens of a vocabulary, byte by byte, in one hash table of edges.</summary>
internal sealed class TokenPrefixes
{
    private readonly ulong[] _edges;
    private readonly int[] _targets;
    private readonly int _shift;
    private readonly List<int> _ids = [-1];

    public TokenPrefixes(Vocabulary vocabulary)
    {
        long bytes = 0;
        for (int entry = 0; entry < vocabulary.Count; entry++)
        {
            bytes += vocabulary.Token(entry).Length;
        }

        int size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, bytes + (bytes / 2)));
        _edges = new ulong[size];
        _targets = new int[size];
        _shift = 64 - BitOperations.Log2((uint)size);
        for (int entry = 0; entry < vocabulary.Count; entry++)
        {
            int node = 0;
            foreach (byte value in vocabulary.Token(entry))
            {
                int slot = Slot(node, value);
                if (_edges[slot] == 0)
                {
                    _edges[slot] = Key(node, value);
                    _targets[slot] = _ids.Count;
                    _ids.Add(-1);
                }

                node = _targets[slot];
            }

            _ids[node] = vocabulary.Id(entry);
        }
    }

    /// <summary>The node behind a byte; 0 when there is none.</summary>
    public int Step(int node, byte value)
    {
        int slot = Slot(node, value);
        return _edges[slot] == 0 ? 0 : _targets[slot];
    }

    /// <summary>The id of the token that ends at a node, or -1.</summary>
    public int Id(int node) => _ids[node];

    private static ulong Key(int node, byte value) => (((ulong)(uint)node << 8) | value) + 1;

    private int Slot(int node, byte value)
    {
        ulong key = Key(node, value);
        int mask = _edges.Length - 1;
        int slot = (int)((key * 0x9E3779B97F4A7C15) >> _shift);
        while (_edges[slot] != key && _edges[slot] != 0)
        {
            slot = (slot + 1) & mask;
        }

        return slot;
    }
}
