namespace SLoRA.Text.Tokenization.PostProcessors;

/// <summary>A post-processor of tokenizer.json, reduced to what it does to ids: pieces to put around one sequence, or around two.</summary>
internal sealed class PostProcessor(TemplatePiece[] single, TemplatePiece[] pair)
{
    /// <summary>Adds nothing; the second sequence of a pair has type 1.</summary>
    public static PostProcessor None { get; } = new([TemplatePiece.First(0)], [TemplatePiece.First(0), TemplatePiece.Second(1)]);

    public TemplatePiece[] Single { get; } = single;

    public TemplatePiece[] Pair { get; } = pair;

    /// <summary>The tokens that the section names with the ids it adds for them.</summary>
    public IReadOnlyList<(string Token, int Id)> Named { get; init; } = [];
}
