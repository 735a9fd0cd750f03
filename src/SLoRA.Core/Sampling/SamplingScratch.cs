namespace SLoRA.Sampling;

/// <summary>
/// The buffers that choosing one token needs, sized by the vocabulary (20 bytes a token) and used by one sampler after another. One per
/// thread that samples.
/// </summary>
internal sealed class SamplingScratch
{
    /// <summary>Allocates the buffers.</summary>
    /// <param name="vocabularySize">The number of logits of a row.</param>
    public SamplingScratch(int vocabularySize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabularySize);
        VocabularySize = vocabularySize;
        Candidates = new Candidates(vocabularySize);
        Keys = new ulong[vocabularySize];
    }

    /// <summary>The number of logits of a row.</summary>
    public int VocabularySize { get; }

    /// <summary>What is left of the vocabulary; after a draw it holds the distribution that was drawn from, until the next one.</summary>
    public Candidates Candidates { get; }

    /// <summary>Room for <see cref="TopP"/> to order tokens in.</summary>
    public ulong[] Keys { get; }
}
