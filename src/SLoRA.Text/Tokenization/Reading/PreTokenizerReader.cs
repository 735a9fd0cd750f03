using SLoRA.Text.Tokenization.PreTokenizers;
using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>Reads the section <c>pre_tokenizer</c> into the flat list of pre-tokenizers that run one after another.</summary>
internal static class PreTokenizerReader
{
    public static IReadOnlyList<PreTokenizer> Read(ConfigNode node, out bool lastIsByteLevel)
    {
        var flat = new List<ConfigNode>();
        if (!node.IsNull)
        {
            Flatten(node, flat);
        }

        lastIsByteLevel = flat.Count > 0 && flat[^1].Type == "ByteLevel";
        var result = new List<PreTokenizer>();
        for (int i = 0; i < flat.Count; i++)
        {
            result.AddRange(ReadOne(flat[i], isLast: i == flat.Count - 1));
        }

        return result;
    }

    private static void Flatten(ConfigNode node, List<ConfigNode> flat)
    {
        if (node.Type != "Sequence")
        {
            flat.Add(node);
            return;
        }

        foreach (ConfigNode item in node["pretokenizers"].Items())
        {
            Flatten(item, flat);
        }
    }

    private static PreTokenizer[] ReadOne(ConfigNode node, bool isLast)
    {
        switch (node.Type)
        {
            case "ByteLevel":
                return [new ByteLevelPreTokenizer(node["add_prefix_space"].Bool(true), node["use_regex"]
                    .Bool(true), writeStandIns: !isLast)];
            case "Split":
                return [new SplitPreTokenizer(PatternReader.ReadWords(node["pattern"]), Behavior(node["behavior"]), node["invert"]
                    .Bool(false))];
            case "Metaspace":
                return [ReadMetaspace(node)];
            case "Whitespace":
                return [new WhitespacePreTokenizer()];
            case "WhitespaceSplit":
                return [new ClassSplitPreTokenizer(CharClass.IsWhiteSpace, SplitBehavior.Removed)];
            case "BertPreTokenizer":
                return
                [
                    new ClassSplitPreTokenizer(CharClass.IsWhiteSpace, SplitBehavior.Removed),
                    new ClassSplitPreTokenizer(CharClass.IsPunctuation, SplitBehavior.Isolated),
                ];
            case "Punctuation":
                return [new ClassSplitPreTokenizer(CharClass.IsPunctuation, node["behavior"].IsNull
                    ? SplitBehavior.Isolated
                    : Behavior(node["behavior"]))];
            case "Digits":
                bool individual = node["individual_digits"].Bool(false);
                return [new ClassSplitPreTokenizer(CharClass.IsNumber, individual ? SplitBehavior.Isolated : SplitBehavior.Contiguous)];
            case "CharDelimiterSplit":
                int delimiter = node["delimiter"].CodePoint();
                return [new ClassSplitPreTokenizer(c => c == delimiter, SplitBehavior.Removed)];
            case "FixedLength":
                int length = node["length"].Int(5);
                return [new FixedLengthPreTokenizer(length > 0 ? length : throw node["length"].Wrong("greater than 0"))];
            case "UnicodeScripts":
                return [new UnicodeScriptsPreTokenizer()];
            default:
                throw node.Unknown("pre-tokenizer");
        }
    }

    private static MetaspacePreTokenizer ReadMetaspace(ConfigNode node) =>
        new(char.ConvertFromUtf32(node["replacement"].CodePoint()), ReadScheme(node), node["split"].Bool(true));

    /// <summary>The prepend scheme of a Metaspace pre-tokenizer or decoder.</summary>
    public static PrependScheme ReadScheme(ConfigNode node)
    {
        // Older files say add_prefix_space only.
        ConfigNode scheme = node["prepend_scheme"];
        bool never = !node["add_prefix_space"].Bool(true);
        if (scheme.IsNull)
        {
            return never ? PrependScheme.Never : PrependScheme.Always;
        }

        PrependScheme result = scheme.String() switch
        {
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            "always" => PrependScheme.Always,
            _ => throw TokenizerException.Unsupported($"{scheme.Path} is {Excerpt.Of(scheme.String())}, which is no known scheme."),
        };
        if (never && result != PrependScheme.Never)
        {
            throw TokenizerException.Format(
            $"{scheme.Path} is {Excerpt.Of(scheme.String())}, and add_prefix_space is false.");
        }

        return result;
    }

    private static SplitBehavior Behavior(ConfigNode node) => node.String() switch
    {
        "Removed" => SplitBehavior.Removed,
        "Isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        string other => throw TokenizerException.Unsupported($"{node.Path} is {Excerpt.Of(other)}, which is no known split behaviour."),
    };
}
