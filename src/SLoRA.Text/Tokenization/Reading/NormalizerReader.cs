using SLoRA.Text.Tokenization.Normalizers;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>Reads the section <c>normalizer</c>.</summary>
internal static class NormalizerReader
{
    public static Normalizer? Read(ConfigNode node) => node.IsNull ? null : ReadOne(node);

    private static Normalizer ReadOne(ConfigNode node)
    {
        switch (node.Type)
        {
            case "Sequence":
                return new SequenceNormalizer([.. node["normalizers"].Items().Select(ReadOne)]);
            case "NFC":
                return new UnicodeFormNormalizer(compose: true, compatible: false);
            case "NFD":
                return new UnicodeFormNormalizer(compose: false, compatible: false);
            case "NFKC":
                return new UnicodeFormNormalizer(compose: true, compatible: true);
            case "NFKD":
                return new UnicodeFormNormalizer(compose: false, compatible: true);
            case "Lowercase":
                return new LowercaseNormalizer();
            case "Prepend":
                return new PrependNormalizer(node["prepend"].String());
            case "Replace":
                return new ReplaceNormalizer(PatternReader.Read(node["pattern"]), node["content"].String());
            case "Strip":
                return new StripNormalizer(node["strip_left"].Bool(true), node["strip_right"].Bool(true));
            case "StripAccents":
                return new StripAccentsNormalizer();
            case "Nmt":
                return new NmtNormalizer();
            case "ByteLevel":
                return new ByteLevelNormalizer();
            case "Precompiled":
                return PrecompiledNormalizer.Read(node["precompiled_charsmap"]);
            case "BertNormalizer":
                bool lowercase = node["lowercase"].Bool(true);
                return new BertNormalizer(
                    node["clean_text"].Bool(true), node["handle_chinese_chars"].Bool(true), node["strip_accents"]
                        .Bool(lowercase), lowercase);
            default:
                throw node.Unknown("normalizer");
        }
    }
}
