using System.Text;
using SLoRA.Text.Tokenization;
using SLoRA.Text.Tokenization.Models;

namespace SLoRA.Text.Tests.Tokenization.Models;

/// <summary>
/// The two ways of merging against the rule itself: merge the pair of smallest rank, the leftmost of equals, until none is left.
/// </summary>
public sealed class BpeModelTests
{
    private const string Letters = "abc";

    [Test]
    public void Short_and_long_words_are_merged_as_the_rule_says([Range(1, 20)] int seed)
    {
        var random = new Random(seed);
        var tokens = new List<string> { "a", "b", "c" };
        var merges = new List<(string Left, string Right)>();
        while (merges.Count < 25)
        {
            (string left, string right) = (tokens[random.Next(tokens.Count)], tokens[random.Next(tokens.Count)]);
            if (left.Length + right.Length > 7 || merges.Contains((left, right)))
            {
                continue;
            }

            merges.Add((left, right));
            if (!tokens.Contains(left + right))
            {
                tokens.Add(left + right);
            }
        }

        var vocabulary = new Vocabulary(tokens.Count, 64);
        for (int id = 0; id < tokens.Count; id++)
        {
            vocabulary.Add(Encoding.UTF8.GetBytes(tokens[id]), id);
        }

        vocabulary.Seal();
        var table = new MergeTable(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            table.Set(tokens.IndexOf(merges[rank].Left), tokens.IndexOf(merges[rank].Right), rank,
                tokens.IndexOf(merges[rank].Left + merges[rank].Right));
        }

        var model = new BpeModel(vocabulary, table, new BpeOptions(), joinsMetaspace: null);
        var scratch = new ModelScratch();
        foreach (int length in (int[])[1, 2, 3, 7, 20, 39, 40, 41, 64, 300])
        {
            string word = string.Concat(Enumerable.Range(0, length).Select(_ => Letters[random.Next(3)]));
            var ids = new IdBuffer();
            model.Encode(word, scratch, ids);
            Assert.That(ids.Span.ToArray().Select(id => tokens[id]), Is.EqualTo(ByRule(word, merges)), word);
        }
    }

    private static List<string> ByRule(string word, List<(string Left, string Right)> merges)
    {
        List<string> parts = [.. word.Select(c => c.ToString())];
        while (true)
        {
            int best = -1;
            int bestRank = int.MaxValue;
            for (int i = 0; i + 1 < parts.Count; i++)
            {
                int rank = merges.IndexOf((parts[i], parts[i + 1]));
                if (rank < 0 || rank >= bestRank)
                {
                    continue;
                }

                (best, bestRank) = (i, rank);
            }

            if (best < 0)
            {
                return parts;
            }

            parts[best] += parts[best + 1];
            parts.RemoveAt(best + 1);
        }
    }
}
