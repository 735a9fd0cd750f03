using SLoRA.Text.Tokenization.PreTokenizers;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>Reads the section <c>pre_tokenizer</c> into the flat list of pre-tokenizers that run one after another.</summary>
internal static class PreTokenizerReader
{
    public static IReadOnlyList<PreTokenizer> Read(ConfigNode node, out bool lastIsByteLevel)
    {
        var flat = new List<ConfigNode>();
        if (!node.IsNull) Flatten(node, flat);
        lastIsByteLevel = flat.Count > 0 && flat[^1].Type == "ByteLevel";
        var result = new List<PreTokenizer>();
        for (int i = 0; i < flat.Count; i++) result.Add(ReadOne(flat[i], isLast: i == flat.Count - 1));
        return result;
    }

    private static void Flatten(ConfigNode node, List<ConfigNode> flat)
    {
        if (node.Type != "Sequence")
        {
            flat.Add(node);
            return;
        }

        foreach (ConfigNode item in node["pretokenizers"].Items()) Flatten(item, flat);
    }

    private static PreTokenizer ReadOne(ConfigNode node, bool isLast) => node.Type switch
    {
        "ByteLevel" => new ByteLevelPreTokenizer(node["add_prefix_space"].Bool(true), node["use_regex"].Bool(true), writeStandIns: !isLast),
        "Split" => new SplitPreTokenizer(PatternReader.Read(node["pattern"]), Behavior(node["behavior"]), node["invert"].Bool(false)),
        _ => throw node.Unknown("pre-tokenizer"),
    };

    private static SplitBehavior Behavior(ConfigNode node) =>
        Enum.TryParse(node.String(), out SplitBehavior behavior) && Enum.IsDefined(behavior)
            ? behavior
            : throw TokenizerException.Unsupported($"{node.Path} is '{node.String()}', which is no known split behaviour.");
}
