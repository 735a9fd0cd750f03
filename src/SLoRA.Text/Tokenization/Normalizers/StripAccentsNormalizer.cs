using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.Normalizers;

/// <summary>StripAccents: drops combining marks. Accents that are part of a letter stay, unless it was decomposed before.</summary>
internal sealed class StripAccentsNormalizer : FilterNormalizer
{
    public override bool LeavesAsIs(ReadOnlySpan<char> text) => UnicodeNormalization.IsSurelyWithoutMarks(text);

    protected override int Map(int codePoint) => CharClass.IsMark(codePoint) ? -1 : codePoint;
}
