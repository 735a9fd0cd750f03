namespace SLoRA.Backends.Cpu;

/// <summary>
/// How a panel holds int8 weights: groups of 64 inputs, each 32 pairs of inputs times 16 outputs as in the other panels,
/// <c>[32][16][2]</c> bytes, then the 16 fp32 scales of the group. A weight is its integer times its scale.
/// </summary>
internal static class Int8Layout
{
    /// <summary>Inputs that share a scale, in a weight as in an activation.</summary>
    public const int GroupInputs = 64;

    /// <summary>Pairs of inputs in a group.</summary>
    public const int GroupPairs = GroupInputs / 2;

    /// <summary>Bytes of a pair of inputs for 16 outputs.</summary>
    public const int PairBytes = 2 * CpuMatrix.PanelOutputs;

    /// <summary>Bytes of a group's integers.</summary>
    public const int IntegerBytes = GroupPairs * PairBytes;

    /// <summary>Bytes of a group: 17 cache lines.</summary>
    public const int GroupBytes = IntegerBytes + (CpuMatrix.PanelOutputs * sizeof(float));

    /// <summary>The largest integer of a weight.</summary>
    public const int WeightLimit = 127;

    /// <summary>The largest integer of an activation. A group's sum is at most 64 · 127 · 32767 &lt; 2³¹.</summary>
    public const int ActivationLimit = 32767;

    /// <summary>A group whose largest magnitude is below this counts as zeros: its inverse scale would not be finite.</summary>
    public const float Smallest = 1e-30f;

    /// <summary>Groups of a row of so many inputs; the last is padded with zeros.</summary>
    public static int Groups(int inputs) => (inputs + GroupInputs - 1) / GroupInputs;
}
