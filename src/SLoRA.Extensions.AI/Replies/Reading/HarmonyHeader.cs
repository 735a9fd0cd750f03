namespace SLoRA.Extensions.AI.Replies.Reading;

/// <summary>What stands between the start of a message and its body: role, channel, recipient, type of content.</summary>
/// <param name="Channel">analysis, commentary or final; empty where none is named.</param>
/// <param name="Recipient">Whom the message is to, or null for everyone.</param>
internal readonly record struct HarmonyHeader(string Channel, string? Recipient)
{
    private const string Functions = "functions.";

    /// <summary>The name of the function that the message calls, or null.</summary>
    public string? Function =>
        Recipient is not null && Recipient.Length > Functions.Length && Recipient.StartsWith(Functions, StringComparison.Ordinal)
        ? Recipient[Functions.Length..]
        : null;

    /// <summary>Whether the message is not meant for the user: thoughts, and what the model tells tools that are built in.</summary>
    public bool IsReasoning => Channel == "analysis" && Function is null;

    /// <summary>Reads a header, with the markers in it.</summary>
    public static HarmonyHeader Read(ReadOnlySpan<char> header)
    {
        string text = header.ToString();
        const string ChannelMarker = "<|channel|>";
        int at = text.IndexOf(ChannelMarker, StringComparison.Ordinal);
        string[] role = Words(at < 0 ? text : text[..at]);
        string[] channel = Words(at < 0 ? "" : text[(at + ChannelMarker.Length)..]);
        return new HarmonyHeader(channel.FirstOrDefault(""), role.Concat(channel).Select(RecipientOf).FirstOrDefault(to => to is not null));
    }

    private static string[] Words(string text) => text.Replace("<|", " <|", StringComparison.Ordinal)
        .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static string? RecipientOf(string word) =>
        word.StartsWith("to=", StringComparison.Ordinal) ? Utf16.Repair(word.AsSpan(3)) : null;
}
