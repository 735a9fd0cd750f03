namespace SLoRA.Extensions.AI.Replies;

/// <summary>Text that can be written as UTF-8.</summary>
internal static class Utf16
{
    /// <summary>The text, with U+FFFD in place of each half of a surrogate pair that stands alone.</summary>
    public static string Repair(ReadOnlySpan<char> text)
    {
        char[]? repaired = null;
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
            {
                continue;
            }

            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
            {
                i++;
                continue;
            }

            repaired ??= text.ToArray();
            repaired[i] = '\uFFFD';
        }

        return repaired is null ? text.ToString() : new string(repaired);
    }
}
