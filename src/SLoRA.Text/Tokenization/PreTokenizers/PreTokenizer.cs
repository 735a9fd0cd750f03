namespace SLoRA.Text.Tokenization.PreTokenizers;

/// <summary>A pre-tokenizer of tokenizer.json: cuts every piece further, and may rewrite the text.</summary>
internal abstract class PreTokenizer
{
    public abstract void Apply(ref PreTokenizedText text);
}
