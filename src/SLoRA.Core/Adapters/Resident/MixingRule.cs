using SLoRA.Errors;
using SLoRA.Step;

namespace SLoRA.Adapters.Resident;

/// <summary>
/// Which adapters go together in one request, and with which weights: those for which "the sum of the weighted deltas" says one thing.
/// </summary>
internal static class MixingRule
{
    /// <summary>Why a use of an adapter is not served; null when it is.</summary>
    /// <param name="name">The adapter.</param>
    /// <param name="mixing">What it is; null for not known yet.</param>
    /// <param name="weight">The request's weight for it.</param>
    /// <param name="place">Its place in the request.</param>
    /// <param name="count">Adapters of the request.</param>
    public static InvalidRequestException? RefusalOf(string name, AdapterMixing? mixing, float weight, int place, int count)
    {
        string? problem = mixing switch
        {
            AdapterMixing.Alone when count > 1 =>
                "is activated LoRA, which acts from a place in the prompt on: a request has it alone",
            AdapterMixing.FirstUnscaled when place > 0 || weight != 1 =>
                "is DoRA, which scales what it is added to: a request has it as the first, with the weight 1, and no second one",
            AdapterMixing.AloneUnscaled when count > 1 || weight != 1 =>
                "has weights in the place of the base's (biases, modules_to_save, trained tokens): a request has it alone, "
                    + "with the weight 1",
            _ => null,
        };
        return problem is null ? null : InvalidRequestException.For(
            nameof(GenerationRequest.Adapters),
            $"The adapter {Shown.Name(name)} {problem}; here it is number {place + 1} of {count}, with the weight {weight}.");
    }

    /// <summary>Why adapters do not go together; null when they do.</summary>
    public static InvalidRequestException? RefusalOf(ReadOnlySpan<BoundAdapter> adapters)
    {
        for (int place = 0; place < adapters.Length; place++)
        {
            AdapterRegistration registration = adapters[place].Registration;
            if (RefusalOf(registration.Name, registration.LatestHeaders?.Shape.Mixing, adapters[place].Weight, place, adapters.Length)
                is { } error)
            {
                return error;
            }
        }

        return null;
    }
}
