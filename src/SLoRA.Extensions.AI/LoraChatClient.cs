using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using SLoRA.Extensions.AI.Chat;
using SLoRA.Text;

namespace SLoRA.Extensions.AI;

/// <summary>
/// An engine as chat client: conversations in, updates out, whichever adapter a request names. Thread-safe, holds nothing of a
/// conversation, and any number of requests run at once. Disposing it does nothing: the engine belongs to whoever has built it.
/// </summary>
/// <remarks>
/// Requests are refused before anything is computed by <see cref="InvalidRequestException"/>, which names the option; by
/// <see cref="ModelNotFoundException"/> where nobody knows the model; and by the template's <see cref="ChatTemplateException"/>. Otherwise
/// what <see cref="GenerationStream"/> throws comes out as it is. Options that cannot be honoured are refused, not ignored.
/// </remarks>
public sealed class LoraChatClient : IChatClient
{
    private readonly ChatModel _model;
    private readonly string? _adapter;
    private readonly ChatClientMetadata _metadata;

    internal LoraChatClient(ILoraEngine engine, ModelTokenizer tokenizer, LoraChatOptions? options)
        : this(new ChatModel(engine, tokenizer, options ?? new LoraChatOptions()), adapter: null)
    {
    }

    private LoraChatClient(ChatModel model, string? adapter)
    {
        _model = model;
        _adapter = adapter;
        _metadata = new ChatClientMetadata("slora", model.Options.ProviderUri, adapter ?? model.Name);
    }

    /// <summary>The same client for requests that name no model: they go to this adapter. It costs next to nothing.</summary>
    /// <param name="adapter">The adapter's name. It need not be registered yet.</param>
    /// <returns>A client that shares everything with this one. A request that does name a model goes there.</returns>
    public LoraChatClient ForAdapter(string adapter)
    {
        ArgumentException.ThrowIfNullOrEmpty(adapter);
        return new LoraChatClient(_model, adapter);
    }

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    /// <remarks>Each enumeration is a request of its own: it is checked and handed in when the enumeration starts.</remarks>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return StreamAsync(messages, options, cancellationToken);
    }

    /// <summary>
    /// The client's <see cref="ChatClientMetadata"/>, the <see cref="ILoraEngine"/>, its <see cref="ModelTokenizer"/>, the
    /// <see cref="TextGenerator"/> of both, or the client itself.
    /// </summary>
    /// <param name="serviceType">What is wanted.</param>
    /// <param name="serviceKey">There are none: with a key nothing is found.</param>
    /// <returns>Null where there is no such thing.</returns>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null
            ? ((object[])[this, _metadata, _model.Generator, _model.Engine, _model.Tokenizer]).FirstOrDefault(serviceType.IsInstanceOfType)
            : null;
    }

    /// <summary>Does nothing.</summary>
    public void Dispose()
    {
    }

    /// <summary>The model that requests without a name go to.</summary>
    public override string ToString() => _metadata.DefaultModelId!;

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ChatRequest request = ChatRequest.Create(_model, _adapter, messages, options, client: this);
        await foreach (ChatResponseUpdate update in new ChatAnswer(_model, request, cancellationToken).ReadAsync().ConfigureAwait(false))
        {
            yield return update;
        }
    }
}
