namespace SLoRA.Text.Templates;

/// <summary>
/// The conversation as a rendering gets it that tells content apart: all text in it is content, names of members included, but the role of
/// a message that is a plain word. Templates make markers of roles (<c>&lt;|user|&gt;</c>).
/// </summary>
internal static class ConversationValues
{
    private const int LongestRole = 64;

    /// <summary>A list of messages.</summary>
    public static object? Messages(object? messages)
    {
        if (messages is not TemplateList list)
        {
            return Content(messages);
        }

        return new TemplateList(
            Array.ConvertAll(list.Items, message => message is TemplateDict members ? Dict(members, isMessage: true) : Content(message)));
    }

    /// <summary>Any other value.</summary>
    public static object? Content(object? value) => value switch
    {
        string text => ContentText.Whole(text),
        TemplateList list => new TemplateList(Array.ConvertAll(list.Items, Content)),
        TemplateDict dict => Dict(dict, isMessage: false),
        _ => value,
    };

    private static TemplateDict Dict(TemplateDict dict, bool isMessage)
    {
        var content = new TemplateDict(dict.Count);
        foreach ((object? key, object? value) in dict.Entries)
        {
            content.Set(Content(key), isMessage && key is "role" && IsPlainWord(value) ? value : Content(value));
        }

        return content;
    }

    private static bool IsPlainWord(object? role) =>
        role is string { Length: <= LongestRole } text && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');
}
