namespace SLoRA.Text;

/// <summary>
/// One piece of an answer: what a token has made certain of the text, or the end of a continuation with the rest of its text.
/// </summary>
/// <param name="Text">
/// Text that was not certain before: often none, for it never holds half a character or the beginning of a stop string.
/// </param>
/// <param name="Update">The token, or the end.</param>
public readonly record struct TextUpdate(string Text, GenerationUpdate Update)
{
    /// <summary>The continuation that it belongs to, from 0.</summary>
    public int Continuation => Update.Continuation;

    /// <summary>The end of the continuation; null for a token.</summary>
    public ContinuationEnd? End => Update.End;

    /// <summary>The text.</summary>
    public override string ToString() => Text;
}
