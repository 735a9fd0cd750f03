namespace SLoRA.Text;

/// <summary>
/// The answer to one request, piece by piece. Each token gives one update, and so does the end of each continuation. It can be enumerated
/// once, by one consumer at a time, and throws what <see cref="GenerationStream"/> throws.
/// </summary>
public sealed class TextGeneration : IAsyncEnumerable<TextUpdate>
{
    private readonly TextStream[] _texts;

    internal TextGeneration(IGenerationStream tokens, ModelTokenizer tokenizer, bool skipSpecialTokens, IReadOnlyList<string> stops)
    {
        Tokens = tokens;
        _texts = new TextStream[tokens.Request.Continuations];
        for (int i = 0; i < _texts.Length; i++)
        {
            _texts[i] = tokenizer.CreateStream(tokens.Request.Prompt.Span, skipSpecialTokens, stops);
        }
    }

    /// <summary>The stream of tokens beneath: why and how the request ended, and its usage. Not to be enumerated beside this.</summary>
    public IGenerationStream Tokens { get; }

    /// <inheritdoc/>
    public async IAsyncEnumerator<TextUpdate> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        await foreach (GenerationUpdate update in Tokens.Updates.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            TextStream text = _texts[update.Continuation];
            yield return new TextUpdate(
                (update.End is null ? text.Append(update.Token.Id) : text.Finish()).ToString(), update);
        }
    }
}
