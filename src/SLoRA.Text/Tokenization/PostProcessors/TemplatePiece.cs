namespace SLoRA.Text.Tokenization.PostProcessors;

/// <summary>A piece of a template: the first sequence, the second, or fixed ids; with the type of its tokens.</summary>
internal sealed record TemplatePiece(TemplatePieceKind Kind, int[] Ids, int Type)
{
    public static TemplatePiece First(int type) => new(TemplatePieceKind.First, [], type);

    public static TemplatePiece Second(int type) => new(TemplatePieceKind.Second, [], type);

    public static TemplatePiece Special(int[] ids, int type) => new(TemplatePieceKind.Special, ids, type);
}
