using SLoRA.Text.Tokenization.AddedTokens;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>Reads tokens as the files write them: entries of <c>added_tokens</c>, of <c>added_tokens_decoder</c>, and roles.</summary>
internal static class AddedTokenReader
{
    /// <summary>The section <c>added_tokens</c> of tokenizer.json.</summary>
    public static IReadOnlyList<AddedToken> Read(ConfigNode node) =>
        node.IsNull ? [] : [.. node.Items().Select(item => ReadObject(item, special: false) with { StatedId = item["id"].Int(-1) })];

    /// <summary>A token with its flags. A special one is sought in the text as it is, unless it says otherwise.</summary>
    /// <param name="node">An object with <c>content</c>.</param>
    /// <param name="special">What counts where the object does not say.</param>
    public static AddedToken ReadObject(ConfigNode node, bool special)
    {
        special = node["special"].Bool(special);
        return new AddedToken
        {
            Content = node["content"].String(),
            SingleWord = node["single_word"].Bool(false),
            LeftStrip = node["lstrip"].Bool(false),
            RightStrip = node["rstrip"].Bool(false),
            Normalized = node["normalized"].Bool(!special),
            Special = special,
        };
    }

    /// <summary>A token that is written as a text or as an object; null when the node is neither.</summary>
    /// <param name="node">Any node.</param>
    /// <param name="special">What counts where an object does not say; a plain text is special.</param>
    public static AddedToken? ReadEither(ConfigNode node, bool special) => node.Kind switch
    {
        System.Text.Json.JsonValueKind.String => new AddedToken { Content = node.String(), Special = true },
        System.Text.Json.JsonValueKind.Object when !node["content"].IsNull => ReadObject(node, special),
        _ => null,
    };
}
