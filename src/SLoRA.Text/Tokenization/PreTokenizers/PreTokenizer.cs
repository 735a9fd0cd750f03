namespace SLoRA.Text.Tokenization.PreTokenizers;

/// <summary>A pre-tokenizer of tokenizer.json: cuts every piece further, and may rewrite the text.</summary>
internal abstract class PreTokenizer
{
    /// <summary>Whether it treats a piece at the very start of the user's text in another way.</summary>
    public virtual bool DependsOnOrigin => false;

    public abstract void Apply(ref PreTokenizedText text);
}
