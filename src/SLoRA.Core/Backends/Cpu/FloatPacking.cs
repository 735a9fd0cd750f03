namespace SLoRA.Backends.Cpu;

/// <summary>
/// Panels of floating-point weights, <c>[pairs of inputs][16 outputs][2]</c>; inputs are padded with a zero to whole pairs.
/// </summary>
/// <typeparam name="T">How a pair lies there.</typeparam>
internal sealed class FloatPacking<T> : PanelPacking
    where T : struct, IPanelWeights
{
    /// <inheritdoc/>
    public override int GroupInputs => 0;

    /// <inheritdoc/>
    public override long PanelBytes(int inputs) => (inputs + 1L) / 2 * T.PairBytes;

    /// <inheritdoc/>
    public override void Multiply(in PanelBlock block)
    {
        if (InstructionSets.VectorBits == 512)
        {
            PanelProduct512.Multiply<T>(block);
        }
        else if (InstructionSets.VectorBits == 256)
        {
            PanelProduct256.Multiply<T>(block);
        }
        else
        {
            PanelProduct128.Multiply<T>(block);
        }
    }
}
