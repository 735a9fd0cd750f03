namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>Plain replacement of one text by another, from one buffer into another.</summary>
internal static class TextReplacement
{
    public static void Append(ReadOnlySpan<char> text, ReadOnlySpan<char> sought, ReadOnlySpan<char> content, CharBuffer output)
    {
        while (true)
        {
            int at = sought.IsEmpty ? -1 : text.IndexOf(sought);
            if (at < 0)
            {
                break;
            }

            output.Append(text[..at]);
            output.Append(content);
            text = text[(at + sought.Length)..];
        }

        output.Append(text);
    }
}
