namespace SLoRA.Text.Tokenization.Models;

/// <summary>WordLevel: a word is a token, or unknown.</summary>
internal sealed class WordLevelModel(Vocabulary vocabulary, string unknownToken) : TokenModel(vocabulary)
{
    public override int? UnknownId => Vocabulary.TryGetId(unknownToken, out int id) ? id : null;

    public override void Encode(ReadOnlySpan<char> word, ModelScratch scratch, IdBuffer ids)
    {
        if (!Vocabulary.TryGetId(word, out int id) && !Vocabulary.TryGetId(unknownToken, out id))
        {
            throw TokenizerException.Unknown(
                $"The text holds the word {Excerpt.Of(word)}, which the vocabulary lacks, and so it does model.unk_token, "
                + $"{Excerpt.Of(unknownToken)}.");
        }

        ids.Add(id);
    }
}
