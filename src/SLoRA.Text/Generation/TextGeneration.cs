namespace SLoRA.Text;

/// <summary>
/// The answer to one request, piece by piece. Each token gives one update, and so does the end of each continuation. It can be enumerated
/// once, by one consumer at a time, and throws what <see cref="GenerationStream"/> throws, and
/// <see cref="TokenizerException"/> where the texts of its adapter's tokens are not known.
/// </summary>
public sealed class TextGeneration : IAsyncEnumerable<TextUpdate>
{
    private readonly TextStream?[] _texts;
    private readonly bool _skipSpecialTokens;
    private readonly IReadOnlyList<string> _stops;
    private AdapterTokenizers? _unknown;

    /// <param name="tokens">The stream of tokens.</param>
    /// <param name="tokenizer">What decodes them, as far as it is known.</param>
    /// <param name="unknown">Knows it when the first token is there; null if it is known already.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    /// <param name="stops">Texts at which the answer stops.</param>
    internal TextGeneration(
        IGenerationStream tokens, ModelTokenizer tokenizer, AdapterTokenizers? unknown, bool skipSpecialTokens, IReadOnlyList<string> stops)
    {
        Tokens = tokens;
        Tokenizer = tokenizer;
        _unknown = unknown;
        _skipSpecialTokens = skipSpecialTokens;
        _stops = stops;
        _texts = new TextStream?[tokens.Request.Continuations];
    }

    /// <summary>
    /// What decodes the answer, as <see cref="TextGenerator.TokenizerFor"/> says. Of an adapter that an adapter source has to find first,
    /// it is known from the first update on.
    /// </summary>
    public ModelTokenizer Tokenizer { get; private set; }

    /// <summary>The stream of tokens beneath: why and how the request ended, and its usage. Not to be enumerated beside this.</summary>
    public IGenerationStream Tokens { get; }

    /// <inheritdoc/>
    public async IAsyncEnumerator<TextUpdate> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        await foreach (GenerationUpdate update in Tokens.Updates.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            if (_unknown is not null)
            {
                Tokenizer = _unknown.Find(Tokens.Request) ?? Tokenizer;
                _unknown = null;
            }

            TextStream text = _texts[update.Continuation]
                ??= Tokenizer.CreateStream(Tokens.Request.Prompt.Span, _skipSpecialTokens, _stops);
            yield return new TextUpdate(
                (update.End is null ? text.Append(update.Token.Id) : text.Finish()).ToString(), update);
        }
    }
}
