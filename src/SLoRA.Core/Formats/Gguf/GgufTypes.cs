using System.Collections.Frozen;
using SLoRA.Formats.Blocks;

namespace SLoRA.Formats.Gguf;

/// <summary>The types that a GGUF file gives tensors, by their numbers.</summary>
internal static class GgufTypes
{
    private static readonly FrozenDictionary<uint, GgufType> ById = new Dictionary<uint, GgufType>
    {
        [0] = new(WeightFormat.F32),
        [1] = new(WeightFormat.F16),
        [2] = new(BlockFormats.Q4_0),
        [3] = new(BlockFormats.Q4_1),
        [6] = new(BlockFormats.Q5_0),
        [7] = new(BlockFormats.Q5_1),
        [8] = new(WeightFormat.Q8_0),
        [9] = new("Q8_1", 32, 36),
        [10] = new(BlockFormats.Q2K),
        [11] = new(BlockFormats.Q3K),
        [12] = new(BlockFormats.Q4K),
        [13] = new(BlockFormats.Q5K),
        [14] = new(BlockFormats.Q6K),
        [15] = new("Q8_K", 256, 292),
        [16] = new(BlockFormats.Iq2Xxs),
        [17] = new(BlockFormats.Iq2Xs),
        [18] = new(BlockFormats.Iq3Xxs),
        [19] = new(BlockFormats.Iq1S),
        [20] = new(BlockFormats.Iq4Nl),
        [21] = new(BlockFormats.Iq3S),
        [22] = new(BlockFormats.Iq2S),
        [23] = new(BlockFormats.Iq4Xs),
        [24] = new("I8", 1, 1),
        [25] = new("I16", 1, 2),
        [26] = new("I32", 1, 4),
        [27] = new("I64", 1, 8),
        [28] = new("F64", 1, 8),
        [29] = new(BlockFormats.Iq1M),
        [30] = new(WeightFormat.BF16),
        [34] = new(BlockFormats.Tq1),
        [35] = new(BlockFormats.Tq2),
        [39] = new(BlockFormats.Mxfp4),
        [40] = new(BlockFormats.Nvfp4),
    }.ToFrozenDictionary();

    /// <summary>The type of a number; null for one that does not exist, or does no longer.</summary>
    public static GgufType? Of(uint id) => ById.GetValueOrDefault(id);
}

/// <summary>A type of tensors.</summary>
/// <param name="Name">What ggml calls it.</param>
/// <param name="BlockElements">Elements of a block.</param>
/// <param name="BlockBytes">Bytes of a block.</param>
internal sealed record GgufType(string Name, int BlockElements, int BlockBytes)
{
    /// <summary>A type of weights.</summary>
    public GgufType(WeightFormat format)
        : this(format.Name, format.BlockElements, format.BlockBytes)
    {
        Format = format;
    }

    /// <summary>How its elements lie; null for a type that is none of weights.</summary>
    public WeightFormat? Format { get; }
}
