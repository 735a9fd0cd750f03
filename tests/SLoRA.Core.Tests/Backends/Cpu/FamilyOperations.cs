using SLoRA.Models.Families;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>Functions, rotations and factors as some families have them, at random.</summary>
internal static class FamilyOperations
{
    /// <summary>One function of each kind.</summary>
    public static ElementFunction[] Functions { get; } =
    [
        ElementFunction.Scale(0.3f), ElementFunction.Cap(3f), new(ElementFunctionKind.Silu), new(ElementFunctionKind.Gelu),
        new(ElementFunctionKind.GeluTanh), new(ElementFunctionKind.SquaredRelu), new(ElementFunctionKind.Sigmoid),
        new(ElementFunctionKind.Xielu, 0.8f, 0.9f, 0.5f, -1e-6f),
    ];

    /// <summary>A rotation of whole heads, a part or nothing, of halves or neighbours, that depends on the length or does not.</summary>
    public static RopeDescription AnyRope(Random random, int headDim)
    {
        int columns = random.Next(3) switch
        {
            0 => headDim,
            1 => 2 * random.Next(0, (headDim / 2) + 1),
            _ => headDim / 4 * 2,
        };
        return new RopeDescription
        {
            InverseFrequencies = columns == 0 ? [] : RopeFrequencies.Default(10000, columns),
            AdjacentPairs = random.Next(2) == 0,
            AttentionFactor = random.Next(2) == 0 ? 1 : 1.2f,
            Lengths = columns > 2 && random.Next(3) == 0 ? new DynamicLengths(10000, columns, 3, random.Next(1, 40)) : null,
        };
    }
}
