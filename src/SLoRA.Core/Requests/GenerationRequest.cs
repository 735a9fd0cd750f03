using SLoRA.Requests;

namespace SLoRA;

/// <summary>What a caller asks of the engine: a prompt, the adapters that answer it, how tokens are chosen and when to stop.</summary>
/// <remarks>
/// <see cref="LoraServingEngine.GenerateAsync"/> copies the request with its lists and its prompt: what the caller does with them
/// afterwards changes nothing. The hook and the condition are called as they are, while the request runs.
/// </remarks>
public sealed record GenerationRequest : GenerationOptions
{
    /// <summary>Creates a request with the defaults of all options.</summary>
    public GenerationRequest()
    {
    }

    /// <summary>Creates a request with given options.</summary>
    /// <param name="options">The options; of a derived record, such as another request, only these.</param>
    public GenerationRequest(GenerationOptions options)
        : base(options)
    {
    }

    /// <summary>Token ids of the prompt: at least one, and fewer than the model's context has places.</summary>
    public required ReadOnlyMemory<int> Prompt { get; init; }

    /// <summary>Sees logits as they are computed; for tests.</summary>
    internal LogitsTap? Tap { get; init; }
}
