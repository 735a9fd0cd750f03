using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Json;

/// <summary>
/// A JSON object, or array, that is read while it arrives. Where it ends the JSON says, so whatever stands in its strings is data.
/// </summary>
/// <param name="takesArray">Whether it may be an array.</param>
internal sealed class JsonBody(bool takesArray = false)
{
    private readonly JsonScanner _scanner = new();
    private int _from = -1;

    /// <summary>Reads on, past whitespace before it.</summary>
    public Match Take(HeldText text)
    {
        if (_from < 0)
        {
            text.SkipSpace();
            if (text.AtEnd)
            {
                return text.Missing;
            }

            if (text.Current != '{' && !(takesArray && text.Current == '['))
            {
                return Match.No;
            }

            _from = text.Position;
        }

        Match match = _scanner.Scan(text.Rest, out int read);
        text.Position += read;
        return match == Match.Undecided ? text.Missing : match;
    }

    /// <summary>The JSON, once <see cref="Take"/> has found its end and before anything behind it was read.</summary>
    public string Of(HeldText text) => text.Span[_from..text.Position].ToString();
}
