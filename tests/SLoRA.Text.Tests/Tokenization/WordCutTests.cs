using System.Text;
using System.Text.Json.Nodes;

namespace SLoRA.Text.Tests.Tokenization;

/// <summary>
/// Whole texts that are one word are cut before ▁ where the merges allow it, and words are remembered: the ids must be those of the plain
/// rule all the same, for vocabularies that drop characters, know bytes, merge with the unknown token, or are written in the stand-ins of
/// bytes.
/// </summary>
public sealed class WordCutTests
{
    private static readonly string[] Characters = ["a", "b", "▁", "▁", "é", "ж", "😀", "c"];

    [Test]
    public void A_merge_goes_over_a_character_that_is_dropped()
    {
        ModelTokenizer tokenizer = Make(
            """{"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":false}""", ["a", "▁", "▁▁"], [("▁", "▁")], []);
        Assert.That(tokenizer.Encode("a ж a"), Is.EqualTo(new[] { 0, 2, 0 }));
    }

    [Test]
    public void Unknown_bytes_on_both_sides_of_a_cut_are_one_unknown()
    {
        ModelTokenizer tokenizer = Make(
            """{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""", ["a", "▁", "u"], [],
            [("unk_token", "u"), ("fuse_unk", true)]);
        // The bytes of ▁ have no tokens: with those of ж they are one run of unknowns.
        Assert.That(tokenizer.Encode("aж▁a"), Is.EqualTo(new[] { 0, 2, 0 }));
    }

    [Test]
    public void A_token_that_ends_in_the_unknown_one_joins_with_what_follows()
    {
        ModelTokenizer tokenizer = Make("null", ["a", "▁", "<u>", "a<u>", "a<u>▁"], [("a", "<u>"), ("a<u>", "▁")], [("unk_token", "<u>")]);
        Assert.That(tokenizer.Encode("aж▁"), Is.EqualTo(new[] { 4 }));
    }

    [Test]
    public void The_cut_and_cached_way_gives_the_ids_of_the_plain_rule([Range(1, 300)] int seed)
    {
        var random = new Random(seed);
        var options = new List<(string Name, JsonNode Value)>();
        string? unknown = random.Next(3) switch { 0 => null, 1 => "<u>", _ => "c" };
        bool byteFallback = random.Next(2) == 0;
        bool fuse = random.Next(2) == 0;
        bool byteLevel = random.Next(4) == 0;
        string? prefix = random.Next(8) == 0 ? "##" : null;
        if (unknown is not null)
        {
            options.Add(("unk_token", unknown));
        }

        if (prefix is not null)
        {
            options.Add(("continuing_subword_prefix", prefix));
        }

        options.Add(("fuse_unk", fuse));
        options.Add(("byte_fallback", byteFallback));

        var tokens = new List<string> { "▁" };
        foreach (string character in (string[])["a", "b", "é", "c", "😀", "<u>", "â", "ĸ", "ģ"])
        {
            if (character == unknown || random.Next(3) > 0)
            {
                tokens.Add(character);
            }
        }

        for (int value = 0; value < 256; value++)
        {
            if (byteFallback && random.Next(40) > 0)
            {
                tokens.Add($"<0x{value:X2}>");
            }
        }

        if (prefix is not null)
        {
            tokens.AddRange([.. tokens.Select(token => prefix + token)]);
        }

        var merges = new List<(string Left, string Right)>();
        // Merges among letters, the unknown token and a few bytes: what the cut must not overlook.
        string[] parts = [.. tokens.Where(token => token.Length <= 3 || token is "<0xD0>" or "<0xB6>" or "<0xF0>")];
        for (int i = 0; i < 30; i++)
        {
            string left = parts[random.Next(parts.Length)];
            string right = i % 3 == 0 ? prefix + "▁" : parts[random.Next(parts.Length)];
            // The right part of a merge loses the prefix, whatever it starts with.
            if (prefix is not null && !right.StartsWith(prefix, StringComparison.Ordinal))
            {
                continue;
            }

            string joined = left + right[(prefix?.Length ?? 0)..];
            if (joined.Length > 24 || merges.Contains((left, right)))
            {
                continue;
            }

            if (!tokens.Contains(joined))
            {
                tokens.Add(joined);
            }

            merges.Add((left, right));
            parts = [.. parts, joined];
        }

        ModelTokenizer tokenizer =
            Make(byteLevel ? """{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""" : "null", tokens, merges, options);
        for (int i = 0; i < 20; i++)
        {
            string text = string.Concat(Enumerable.Range(0, 1 + random.Next(12)).Select(_ => Characters[random.Next(Characters.Length)]));
            string word = tokenizer.Words(text).Single();
            List<string> expected = ByRule(word, tokens, merges, unknown, fuse, byteFallback, prefix);
            // Twice: the second time from the cache.
            for (int time = 0; time < 2; time++)
            {
                Assert.That(tokenizer.Encode(text).Select(id => tokens[id]), Is.EqualTo(expected), text);
            }
        }
    }

    private static ModelTokenizer Make(string preTokenizer, IReadOnlyList<string> tokens, IReadOnlyList<(string Left, string Right)> merges,
        IReadOnlyList<(string Name, JsonNode Value)> options)
    {
        var model = new JsonObject
        {
            ["type"] = "BPE",
            ["vocab"] = new JsonObject(tokens.Select((token, id) => KeyValuePair.Create<string, JsonNode?>(token, id)))
        };
        model["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode)new JsonArray(merge.Left, merge.Right))]);
        foreach ((string name, JsonNode value) in options)
        {
            model[name] = value.DeepClone();
        }

        var file = new JsonObject { ["pre_tokenizer"] = JsonNode.Parse(preTokenizer), ["model"] = model };
        return ModelTokenizer.FromJson(Encoding.UTF8.GetBytes(file.ToJsonString()));
    }

    // The rule itself, over the whole word: characters to symbols, then the pair of smallest rank, the leftmost of equals, until none is
    // left.
    private static List<string> ByRule(
        string word, List<string> tokens, List<(string Left, string Right)> merges, string? unknown, bool fuse, bool byteFallback,
        string? prefix)
    {
        var symbols = new List<string>();
        bool pending = false;
        bool isFirst = true;
        foreach (Rune rune in word.EnumerateRunes())
        {
            string character = (isFirst ? "" : prefix) + rune;
            isFirst = false;
            if (tokens.Contains(character))
            {
                if (pending)
                {
                    symbols.Add(unknown!);
                }

                pending = false;
                symbols.Add(character);
                continue;
            }

            string[] bytes = [.. Encoding.UTF8.GetBytes(character).Select(value => $"<0x{value:X2}>")];
            if (byteFallback && bytes.All(tokens.Contains))
            {
                symbols.AddRange(bytes);
                continue;
            }

            if (unknown is null)
            {
                continue;
            }

            if (pending && !fuse)
            {
                symbols.Add(unknown);
            }

            pending = true;
        }

        if (pending)
        {
            symbols.Add(unknown!);
        }

        while (true)
        {
            int best = int.MaxValue;
            int at = -1;
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                int rank = merges.IndexOf((symbols[i], symbols[i + 1]));
                if (rank >= 0 && rank < best)
                {
                    (best, at) = (rank, i);
                }
            }

            if (at < 0)
            {
                return symbols;
            }

            symbols[at] += symbols[at + 1][(prefix?.Length ?? 0)..];
            symbols.RemoveAt(at + 1);
        }
    }
}
