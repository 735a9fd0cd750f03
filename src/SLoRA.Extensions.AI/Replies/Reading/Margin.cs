using System.Buffers;
using System.Text;

namespace SLoRA.Extensions.AI.Replies.Reading;

/// <summary>Holds whitespace back until text follows it: whitespace at the end, and on demand at the start, is not passed on.</summary>
internal sealed class Margin
{
    // So much whitespace is no formatting any more, and shall not fill the memory.
    private const int Longest = 4096;

    private static readonly SearchValues<char> Spaces =
        SearchValues.Create([.. Enumerable.Range(0, char.MaxValue).Select(c => (char)c).Where(char.IsWhiteSpace)]);

    private readonly StringBuilder _space = new();

    /// <summary>Whether nothing has been passed on.</summary>
    public bool IsOpen { get; private set; } = true;

    /// <summary>Takes the next piece and passes on what is certain.</summary>
    /// <param name="text">The piece.</param>
    /// <param name="output">Where it is passed on to.</param>
    /// <param name="dropsStart">Whether whitespace before the first text is left out.</param>
    public void Append(ReadOnlySpan<char> text, StringBuilder output, bool dropsStart)
    {
        while (!text.IsEmpty)
        {
            int space = text.Length - text.TrimStart().Length;
            if (space > 0)
            {
                int taken = Math.Min(space, Longest - _space.Length);
                _space.Append(text[..taken]);
                text = text[taken..];
                if (_space.Length == Longest)
                {
                    Release(output);
                }

                continue;
            }

            int end = text.IndexOfAny(Spaces);
            end = end < 0 ? text.Length : end;
            if (IsOpen && dropsStart)
            {
                _space.Clear();
            }

            Release(output);
            output.Append(text[..end]);
            text = text[end..];
            IsOpen = false;
        }
    }

    /// <summary>Passes on what was held back.</summary>
    public void Release(StringBuilder output)
    {
        IsOpen &= _space.Length == 0;
        output.Append(_space);
        _space.Clear();
    }
}
