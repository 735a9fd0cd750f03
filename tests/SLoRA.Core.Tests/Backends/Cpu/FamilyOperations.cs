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
        ElementFunction.Clip(0.7f),
        new(ElementFunctionKind.Xielu, 0.8f, 0.9f, 0.5f, -1e-6f),
    ];

    /// <summary>A scan or the delta rule, with values of several parts or of less than one.</summary>
    public static Recurrence AnyRecurrence(Random random)
    {
        int groups = random.Next(1, 4), heads = groups * random.Next(1, 4), keys = random.Next(1, 40), values = random.Next(1, 100);
        bool isDelta = random.Next(2) == 0;
        return new Recurrence
        {
            Heads = heads,
            Groups = groups,
            KeyColumns = keys,
            ValueColumns = values,
            FirstQuery = 0,
            FirstKey = groups * keys,
            FirstValue = 2 * groups * keys,
            FirstStep = isDelta ? heads : 0,
            FirstStrength = isDelta ? 0 : null,
            StepScale = isDelta ? 1 : 0.7f,
        };
    }

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
