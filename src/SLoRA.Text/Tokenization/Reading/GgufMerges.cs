using System.Collections.Immutable;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>
/// SentencePiece has no list of merges: of all neighbours whose joining is a token, those with the best score are joined first. The list
/// that says the same has every way to cut a token into two tokens, the best tokens first.
/// </summary>
internal static class GgufMerges
{
    private const int Normal = 1;

    /// <summary>The merges in the order of their rank.</summary>
    /// <param name="tokens">The tokens.</param>
    /// <param name="types">Their types: only normal tokens come of merging.</param>
    /// <param name="scores">Their scores.</param>
    public static IEnumerable<(string Left, string Right)> Of(
        ImmutableArray<string> tokens, ImmutableArray<long> types, ImmutableArray<double> scores)
    {
        var idOf = new Dictionary<string, int>(tokens.Length, StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++)
        {
            if (types[id] == Normal)
            {
                idOf.TryAdd(tokens[id], id);
            }
        }

        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup = idOf.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(int Left, int Right, int Whole)>();
        foreach ((string token, int whole) in idOf)
        {
            for (int cut = 1; cut < token.Length; cut++)
            {
                if (lookup.TryGetValue(token.AsSpan(0, cut), out int left) && lookup.TryGetValue(token.AsSpan(cut), out int right))
                {
                    merges.Add((left, right, whole));
                }
            }
        }

        return merges
            .OrderByDescending(merge => scores[merge.Whole])
            .ThenByDescending(merge => tokens[merge.Left].Length)
            .ThenBy(merge => merge.Whole)
            .Select(merge => (tokens[merge.Left], tokens[merge.Right]));
    }
}
