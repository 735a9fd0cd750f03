using SLoRA.Text.Tokenization.Decoders;
using SLoRA.Text.Tokenization.PreTokenizers;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>Reads the section <c>decoder</c>.</summary>
internal static class DecoderReader
{
    public static TokenDecoder Read(ConfigNode node)
    {
        if (node.IsNull)
        {
            return new SpacedDecoder();
        }

        switch (node.Type)
        {
            case "Sequence":
                return new SequenceDecoder([.. node["decoders"].Items().Select(Read)]);
            case "ByteLevel":
                return new ByteLevelDecoder();
            case "ByteFallback":
                return new ByteFallbackDecoder();
            case "Fuse":
                return new FuseDecoder();
            case "Strip":
                return new StripDecoder(node["content"].CodePoint(), node["start"].Int(0), node["stop"].Int(0));
            case "WordPiece":
                return new WordPieceDecoder(node["prefix"].String("##"), node["cleanup"].Bool(true));
            case "BPEDecoder":
                return new BpeSuffixDecoder(node["suffix"].String("</w>"));
            case "CTC":
                return new CtcDecoder(node["pad_token"].String("<pad>"), node["word_delimiter_token"].String("|"), node["cleanup"]
                    .Bool(true));
            case "Metaspace":
                PrependScheme scheme = PreTokenizerReader.ReadScheme(node);
                return new MetaspaceDecoder(
                    char.ConvertFromUtf32(node["replacement"].CodePoint()), dropsFirst: scheme != PrependScheme.Never);
            case "Replace":
                return new ReplaceDecoder(PatternReader.Read(node["pattern"]), node["content"].String());
            default:
                throw node.Unknown("decoder");
        }
    }
}
