namespace SLoRA.Text.Tokenization.PostProcessors;

/// <summary>What a <see cref="TemplatePiece"/> stands for.</summary>
internal enum TemplatePieceKind
{
    First,
    Second,
    Special,
}
