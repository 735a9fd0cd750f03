namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>A place in a text that an expression can ask for.</summary>
internal enum PatternPlace
{
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
    LastLineEnd,
    WordBoundary,
    NotWordBoundary,
    SearchStart,

    /// <summary>Not a question: the match starts here, whatever came before.</summary>
    Keep,
}
