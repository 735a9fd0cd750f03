using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>One architecture: its names, and the function from its configuration to the description of a decoder.</summary>
/// <param name="Architecture">The class name under <c>architectures</c>.</param>
/// <param name="ModelType">What <c>model_type</c> must be: the reference goes by it, so a file in which the two disagree means two
/// models.</param>
/// <param name="Describe">Reads a configuration. Whatever it cannot honour it refuses by name.</param>
internal sealed record DecoderFamily(string Architecture, string ModelType, Func<ConfigObject, DecoderDescription> Describe)
{
    /// <summary>The keys of <see cref="UnservedFeatures"/> that this family honours.</summary>
    public ImmutableArray<string> Reads { get; init; } = [];
}
