using Microsoft.Extensions.AI;

namespace SLoRA.Extensions.AI;

/// <summary>
/// A request names a model that is neither the base nor an adapter of the engine. Its cause is the engine's own
/// <see cref="AdapterNotFoundException"/>. The base model is never served in its place.
/// </summary>
public sealed class ModelNotFoundException : InvalidOperationException
{
    /// <summary>Creates the error.</summary>
    /// <param name="modelId">The name that was asked for.</param>
    /// <param name="innerException">What the engine said.</param>
    public ModelNotFoundException(string modelId, AdapterNotFoundException innerException)
        : base($"There is no such model: {innerException?.Message}", innerException)
    {
        ArgumentNullException.ThrowIfNull(modelId);
        ArgumentNullException.ThrowIfNull(innerException);
        ModelId = modelId;
        Code = innerException.Code;
    }

    /// <summary>The name that was asked for, in <see cref="ChatOptions.ModelId"/> or when the client was made.</summary>
    public string ModelId { get; }

    /// <summary>The stable code of the cause, <c>adapter.not-found</c>.</summary>
    public string Code { get; }
}
