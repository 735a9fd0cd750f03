namespace SLoRA.Text.Tokenization.Models;

/// <summary>The model of a tokenizer.json: turns one word, as the pre-tokenizers cut it, into ids.</summary>
internal abstract class TokenModel(Vocabulary vocabulary)
{
    public Vocabulary Vocabulary { get; } = vocabulary;

    /// <summary>The id that stands for what the vocabulary lacks, or null.</summary>
    public virtual int? UnknownId => null;

    /// <summary>Appends the ids of <paramref name="word"/>, which is well-formed UTF-16 and not empty.</summary>
    public abstract void Encode(ReadOnlySpan<char> word, ModelScratch scratch, IdBuffer ids);

    /// <summary>
    /// Whether a word may be cut before this character, so that the parts are encoded each for itself with the same result.
    /// A whole text that no pre-tokenizer cuts then goes through the word cache after all.
    /// </summary>
    public virtual bool MayCutBefore(char previous, char next) => false;

    /// <summary>The character before which <see cref="MayCutBefore"/> can be true, or the null character.</summary>
    public virtual char CutCharacter => '\0';
}
