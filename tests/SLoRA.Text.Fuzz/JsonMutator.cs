using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SLoRA.Text.Fuzz;

/// <summary>Changes the tree of a JSON text, so that it stays JSON: values replaced, removed, doubled, taken from another text.</summary>
internal sealed class JsonMutator(IReadOnlyList<byte[]> seeds, Random random)
{
    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "1", "3", "-1", "2147483647", "4294967296", "0.5", "1e308", "\"\"", "\"a\"", "\" \"", "\"▁\"",
        "\"ab\"", "\"<unk>\"", "\"😀\"",
        "[]", "{}", "[[]]", "{\"type\":\"Sequence\"}", "{\"Regex\":\"\"}", "{\"String\":\"\"}", "{\"Regex\":\"a*\"}",
        "{\"Regex\":\"(\\\\w)\\\\1|\\\\s+\"}",
        "{\"Regex\":\"(?<=a)b|^|$\"}", "{\"Regex\":\"[^\\\\p{L}]?\\\\p{L}+|\\\\s+(?!\\\\S)\"}", "\"first\"", "\"never\"", "\"Contiguous\"",
        "\"MergedWithNext\"",
    ];

    private readonly JsonNode?[] _seeds = [.. seeds.Select(Parse)];

    public byte[] Next()
    {
        JsonNode root = Pick().DeepClone();
        for (int i = random.Next(4); i >= 0; i--)
        {
            Change(root);
        }

        return Encoding.UTF8.GetBytes(root.ToJsonString());
    }

    private static JsonNode? Parse(byte[] seed)
    {
        try
        {
            JsonNode? node =
                JsonNode.Parse(seed, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject;
            node?.ToJsonString();
            return node;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Damaged on purpose; only the bytes of it are changed.
            return null;
        }
    }

    private JsonNode Pick()
    {
        while (true)
        {
            if (_seeds[random.Next(_seeds.Length)] is JsonNode node)
            {
                return node;
            }
        }
    }

    // Walks down a random way, seldom into the vocabulary, which is most of a file.
    private JsonNode Somewhere(JsonNode root)
    {
        JsonNode at = root;
        while (random.Next(5) != 0)
        {
            JsonNode?[] children = at switch
            {
                JsonObject o => [.. o.Where(p => p.Key is not ("vocab" or "merges") || random.Next(4) == 0).Select(p => p.Value)],
                JsonArray a => [.. a],
                _ => [],
            };
            children = [.. children.Where(c => c is JsonObject or JsonArray)];
            if (children.Length == 0)
            {
                break;
            }

            at = children[random.Next(children.Length)]!;
        }

        return at;
    }

    private void Change(JsonNode root)
    {
        JsonNode place = Somewhere(root);
        JsonNode? value = random.Next(2) == 0 ? JsonNode.Parse(Values[random.Next(Values.Length)]) : Somewhere(Pick()).DeepClone();
        if (place is JsonObject o && o.Count > 0)
        {
            string key = o.ElementAt(random.Next(o.Count)).Key;
            if (random.Next(6) == 0)
            {
                o.Remove(key);
            }
            else
            {
                o[key] = value;
            }
        }
        else if (place is JsonArray a)
        {
            if (a.Count > 0 && random.Next(3) == 0)
            {
                a.RemoveAt(random.Next(a.Count));
            }
            else if (a.Count > 0 && random.Next(2) == 0)
            {
                a[random.Next(a.Count)] = value;
            }
            else
            {
                a.Insert(random.Next(a.Count + 1), value);
            }
        }
    }
}
