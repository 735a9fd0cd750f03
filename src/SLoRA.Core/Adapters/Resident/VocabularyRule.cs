using System.Collections.Immutable;

namespace SLoRA.Adapters.Resident;

/// <summary>
/// Which tokens a request may have: those of the model, and those that its adapter was trained with besides. No other request may have
/// these.
/// </summary>
/// <param name="modelTokens">Tokens of the model.</param>
internal sealed class VocabularyRule(int modelTokens)
{
    /// <summary>
    /// Why a request may not have one of its tokens, now that it is known what its adapter's name stands for; null when it may, and while
    /// that is not known. Of several adapters none has tokens of its own: what such a request may have is known when it is made.
    /// </summary>
    public InvalidRequestException? RefusalOf(GenerationRequest request, ImmutableArray<BoundAdapter> adapters) =>
        adapters is [{ Registration.LatestHeaders: { } headers }]
            ? RequestRules.TokenRefusal(request, modelTokens + headers.Shape.AddedTokens)
            : null;
}
