using SLoRA.Text.Tokenization.Normalizers;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>Reads the section <c>normalizer</c>.</summary>
internal static class NormalizerReader
{
    public static Normalizer? Read(ConfigNode node)
    {
        if (node.IsNull) return null;
        throw node.Unknown("normalizer");
    }
}
