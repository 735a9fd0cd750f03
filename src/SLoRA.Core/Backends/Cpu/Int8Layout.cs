using System.Runtime.CompilerServices;

namespace SLoRA.Backends.Cpu;

/// <summary>How many inputs share a scale in an int8 product. A type parameter, so that kernels have the number in their code.</summary>
internal interface IInt8Groups
{
    /// <summary>Pairs of inputs in a group.</summary>
    static abstract int Pairs { get; }
}

/// <summary>Groups of 64 inputs: the library's own int8 weights.</summary>
internal readonly struct Groups64 : IInt8Groups
{
    public static int Pairs => 32;
}

/// <summary>Groups of 32 inputs: the blocks of Q8_0.</summary>
internal readonly struct Groups32 : IInt8Groups
{
    public static int Pairs => 16;
}

/// <summary>Groups of 16 inputs: those of Q6_K, Q3_K and Q2_K.</summary>
internal readonly struct Groups16 : IInt8Groups
{
    public static int Pairs => 8;
}

/// <summary>What int8 weights and the integers of activations have in common, whatever their groups.</summary>
internal static class Int8Layout
{
    /// <summary>Bytes of a pair of inputs for 16 outputs.</summary>
    public const int PairBytes = 2 * CpuMatrix.PanelOutputs;

    /// <summary>Bytes of the scales of a group, one for each of 16 outputs.</summary>
    public const int ScaleBytes = CpuMatrix.PanelOutputs * sizeof(float);

    /// <summary>The largest integer of a weight that is quantized here; stored ones may be −128.</summary>
    public const int WeightLimit = 127;

    /// <summary>The largest integer of an activation. A group's sum is at most 64 · 128 · 32767 &lt; 2³¹.</summary>
    public const int ActivationLimit = 32767;

    /// <summary>The largest integer of an activation of 8 bits (<see cref="CpuPrecision.Fast"/>).</summary>
    public const int NarrowLimit = 127;

    /// <summary>A group whose largest magnitude is below this counts as zeros: its inverse scale would not be finite.</summary>
    public const float Smallest = 1e-30f;
}

/// <summary>
/// How a panel holds int8 weights: groups of inputs, each pairs of inputs times 16 outputs as in the other panels, <c>[pairs][16][2]</c>
/// bytes, then the 16 fp32 scales of the group. A weight is its integer times its scale.
/// </summary>
/// <typeparam name="T">The groups.</typeparam>
internal static unsafe class Int8Layout<T>
    where T : struct, IInt8Groups
{
    /// <summary>Inputs that share a scale, in a weight as in an activation.</summary>
    public static int GroupInputs => 2 * T.Pairs;

    /// <summary>Bytes of a group's integers.</summary>
    public static int IntegerBytes => T.Pairs * Int8Layout.PairBytes;

    /// <summary>Bytes of a group: whole cache lines.</summary>
    public static int GroupBytes => IntegerBytes + Int8Layout.ScaleBytes;

    /// <summary>Groups of a row of so many inputs; the last is padded with zeros.</summary>
    public static int Groups(int inputs) => (inputs + GroupInputs - 1) / GroupInputs;

    /// <summary>Writes a group.</summary>
    /// <param name="group">The group in its panel.</param>
    /// <param name="lines">Integers, four inputs of an output side by side: <c>[inputs / 4][16 outputs][4 inputs]</c>.</param>
    /// <param name="scales">A scale for each of 16 outputs.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(byte* group, uint* lines, float* scales)
    {
        for (int line = 0; line < T.Pairs / 2; line++)
        {
            PackedWords.Low(lines, (ushort*)group);
            PackedWords.High(lines, (ushort*)(group + Int8Layout.PairBytes));
            lines += CpuMatrix.PanelOutputs;
            group += 2 * Int8Layout.PairBytes;
        }

        Buffer.MemoryCopy(scales, group, Int8Layout.ScaleBytes, Int8Layout.ScaleBytes);
    }
}
