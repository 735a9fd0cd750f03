using System.Runtime.Intrinsics;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Panels of floating-point weights, <c>[pairs of inputs][16 outputs][2]</c>; inputs are padded with a zero to whole pairs.
/// </summary>
/// <typeparam name="T">How a pair lies there.</typeparam>
internal sealed unsafe class FloatPacking<T> : PanelPacking
    where T : struct, IPanelWeights
{
    // Fewer rows read their weights from memory, which goes on beside multiplications but not beside widening alone.
    private const int ManyRows = 33;
    private const int PanelsAtOnce = 3;

    // What a core's own cache holds.
    private const long CacheBytes = 512 << 10;

    /// <inheritdoc/>
    public override int GroupInputs => 0;

    /// <inheritdoc/>
    public override long PanelBytes(int inputs) => BytesOf(inputs);

    /// <inheritdoc/>
    public override long UnpackedBytes(int inputs)
    {
        long bytes = FloatPacking<F32Panel>.BytesOf(inputs);
        return T.IsSlowToWiden && PanelsAtOnce * bytes <= CacheBytes ? bytes : 0;
    }

    /// <summary>Bytes of a panel of so many inputs.</summary>
    public static long BytesOf(int inputs) => (inputs + 1L) / 2 * T.PairBytes;

    /// <inheritdoc/>
    public override void Multiply(in PanelBlock block)
    {
        long bytes = UnpackedBytes(block.Matrix.Inputs);
        if (bytes == 0 || block.Rows < ManyRows || block.Space.Bytes < PanelsAtOnce * bytes)
        {
            MultiplyAsStored(block);
            return;
        }

        for (int panel = block.FirstPanel; panel < block.EndPanel; panel += PanelsAtOnce)
        {
            int end = Math.Min(panel + PanelsAtOnce, block.EndPanel);
            Widen(block.Matrix, panel, end, (float*)block.Space.Data);
            FloatPacking<F32Panel>.MultiplyAsStored(block with
            {
                FirstPanel = panel,
                EndPanel = end,
                Unpacked = (byte*)block.Space.Data,
                UnpackedBytes = (nint)bytes,
            });
        }
    }

    private static void Widen(CpuMatrix matrix, int first, int end, float* to)
    {
        for (int panel = first; panel < end; panel++)
        {
            byte* from = matrix.Panel(panel);
            for (int pair = 0; pair < matrix.Pairs; pair++, from += T.PairBytes, to += 2 * CpuMatrix.PanelOutputs)
            {
                if (Vector512.IsHardwareAccelerated)
                {
                    T.Load(from, out Vector512<float> even, out Vector512<float> odd);
                    even.Store(to);
                    odd.Store(to + 16);
                }
                else
                {
                    T.Load(from, 0, out Vector256<float> even0, out Vector256<float> odd0);
                    T.Load(from, 1, out Vector256<float> even1, out Vector256<float> odd1);
                    even0.Store(to);
                    even1.Store(to + 8);
                    odd0.Store(to + 16);
                    odd1.Store(to + 24);
                }
            }
        }
    }

    private static void MultiplyAsStored(in PanelBlock block)
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
