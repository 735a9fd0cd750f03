using System.Text;
using SLoRA.Text.Tokenization.AddedTokens;
using SLoRA.Text.Tokenization.Decoders;

namespace SLoRA.Text.Tokenization;

/// <summary>Hands tokens, by id, to the stages of one decoding. Unknown ids are left out; special tokens too, when asked.</summary>
internal sealed class TokenTexts(Vocabulary vocabulary, AddedTokenTable added, DecoderStage first, bool skipSpecialTokens)
{
    // So many tokens with text settle what any stage remembers: whether a text has begun, the bytes of an unfinished character, the token
    // before, and the characters that an expression looks back at.
    private const int Settled = 256;

    private char[] _chars = new char[128];

    public void Push(int id)
    {
        if (!TryGetText(id, out ReadOnlySpan<byte> text))
        {
            return;
        }

        if (_chars.Length < text.Length)
        {
            _chars = new char[2 * text.Length];
        }

        first.Push(_chars.AsSpan(0, Encoding.UTF8.GetChars(text, _chars)), TokenPart.Whole);
    }

    /// <summary>The end of <paramref name="context"/> that decides how a text goes on behind it.</summary>
    public ReadOnlySpan<int> Settling(ReadOnlySpan<int> context)
    {
        int from = context.Length;
        for (int settled = 0; from > 0 && settled < Settled; from--)
        {
            // A run of byte tokens is one unit to the decoder, however long it is.
            if (TryGetText(context[from - 1], out ReadOnlySpan<byte> text) && !text.IsEmpty && !text.StartsWith("<0x"u8))
            {
                settled++;
            }
        }

        return context[from..];
    }

    private bool TryGetText(int id, out ReadOnlySpan<byte> text) => added.TryGetText(id, out text, out bool isSpecial)
        ? !(isSpecial && skipSpecialTokens)
        : vocabulary.TryGetToken(id, out text);
}
