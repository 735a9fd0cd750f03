using System.Collections.Immutable;

namespace SLoRA.Formats.Gguf;

/// <summary>The architectures that are read: what each of them calls its tensors and which of its keys say what.</summary>
internal static class GgufArchitectures
{
    private static readonly ImmutableArray<GgufArchitecture> All =
        [.. GgufDenseArchitectures.All, .. GgufExpertArchitectures.All, .. GgufHybridArchitectures.All, .. GgufDeltaArchitectures.All];

    /// <summary>Their names.</summary>
    public static IEnumerable<string> Names => All.Select(architecture => architecture.Name).Distinct().Order(StringComparer.Ordinal);

    /// <summary>The architecture of a file; null if it is not read.</summary>
    /// <param name="name">What <c>general.architecture</c> says.</param>
    /// <param name="metadata">The keys, which tell apart what has one name.</param>
    public static GgufArchitecture? Of(string name, GgufMetadata metadata) =>
        All.Where(architecture => architecture.Name == name && architecture.Tells?.Invoke(metadata) is not false)
            .MaxBy(architecture => architecture.Tells is not null);

    /// <summary>The architecture that a model of Hugging Face has in GGUF files; null where there is none.</summary>
    /// <param name="huggingFace">Its class.</param>
    /// <param name="hasExperts">Whether it has experts, which tells apart what is of one class.</param>
    public static GgufArchitecture? OfClass(string huggingFace, bool hasExperts)
    {
        string written = huggingFace switch
        {
            // These differ by settings alone from those that they are written as.
            "MistralForCausalLM" => "LlamaForCausalLM",
            "Glm4MoeLiteForCausalLM" => "DeepseekV3ForCausalLM",
            _ => huggingFace,
        };
        return All.Where(architecture => architecture.HuggingFace == written)
            .MaxBy(architecture => architecture.Experts.IsEmpty != hasExperts);
    }
}
