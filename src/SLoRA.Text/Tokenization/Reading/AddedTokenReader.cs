using SLoRA.Text.Tokenization.AddedTokens;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>Reads the section <c>added_tokens</c>.</summary>
internal static class AddedTokenReader
{
    public static IReadOnlyList<AddedToken> Read(ConfigNode node) => node.IsNull ? [] : [.. node.Items().Select(ReadOne)];

    private static AddedToken ReadOne(ConfigNode node)
    {
        bool special = node["special"].Bool(false);
        return new AddedToken
        {
            Content = node["content"].String(),
            StatedId = node["id"].Int(-1),
            SingleWord = node["single_word"].Bool(false),
            LeftStrip = node["lstrip"].Bool(false),
            RightStrip = node["rstrip"].Bool(false),
            Normalized = node["normalized"].Bool(!special),
            Special = special,
        };
    }
}
