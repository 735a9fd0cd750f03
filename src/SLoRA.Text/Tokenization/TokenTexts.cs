using System.Text;
using SLoRA.Text.Tokenization.AddedTokens;
using SLoRA.Text.Tokenization.Decoders;

namespace SLoRA.Text.Tokenization;

/// <summary>Hands tokens, by id, to the stages of one decoding. Unknown ids are left out; special tokens too, when asked.</summary>
internal sealed class TokenTexts(Vocabulary vocabulary, AddedTokenTable added, DecoderStage first, bool skipSpecialTokens)
{
    private char[] _chars = new char[128];

    public void Push(int id)
    {
        if (added.TryGetText(id, out ReadOnlySpan<byte> text, out bool isSpecial))
        {
            if (isSpecial && skipSpecialTokens) return;
        }
        else if (!vocabulary.TryGetToken(id, out text))
        {
            return;
        }

        if (_chars.Length < text.Length) _chars = new char[2 * text.Length];
        first.Push(_chars.AsSpan(0, Encoding.UTF8.GetChars(text, _chars)), TokenPart.Whole);
    }
}
