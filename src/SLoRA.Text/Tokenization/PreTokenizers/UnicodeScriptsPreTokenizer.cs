using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.PreTokenizers;

/// <summary>
/// UnicodeScripts: cuts where the script changes. Hiragana, Katakana and the prolonged sound mark count as Han; spaces and characters
/// without a script go with what is before them, and are dropped at the start of a text, as the reference drops them.
/// </summary>
internal sealed class UnicodeScriptsPreTokenizer : PreTokenizer
{
    private const string Han = "Han";
    private const int ProlongedSound = 0x30FC;

    public override void Apply(ref PreTokenizedText text)
    {
        foreach (Piece piece in text.Pieces)
        {
            string? last = null;
            int start = -1;
            for (int at = piece.Start; at < piece.End;)
            {
                string? script = Script(CharClass.CodePoint(text.Text, at, out int length));
                if (script is not null && script != last)
                {
                    if (start >= 0)
                    {
                        text.NextPieces.Add(start, at);
                    }

                    start = at;
                    last = script;
                }

                at += length;
            }

            if (start >= 0)
            {
                text.NextPieces.Add(start, piece.End);
            }
        }

        text.Commit();
    }

    private static string? Script(int codePoint)
    {
        if (codePoint == ProlongedSound)
        {
            return Han;
        }

        if (codePoint == ' ')
        {
            return null;
        }

        string? script = RangeTable.Scripts9.Find(codePoint);
        return script is "Hiragana" or "Katakana" ? Han : script;
    }
}
