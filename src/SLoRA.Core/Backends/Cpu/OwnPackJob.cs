namespace SLoRA.Backends.Cpu;

/// <summary>Quantizes a weight of any format to the library's own four or five bits, in groups of 32 inputs.</summary>
/// <typeparam name="TCodes">The codes.</typeparam>
internal sealed unsafe class OwnPackJob<TCodes>(WeightSource source, CpuMatrix matrix, int parts)
    : NumberPackJob(source, matrix, parts, OwnGroup<TCodes>.Size)
    where TCodes : struct, IPackedCodes
{
    /// <summary>What products take of a row: its codes less their zero, times scales.</summary>
    public static void Round(Span<float> row)
    {
        // As many groups as a panel has outputs, side by side.
        const int Together = CpuMatrix.PanelOutputs;
        float* numbers = stackalloc float[OwnGroup<TCodes>.Size * Together];
        byte* packed = stackalloc byte[OwnGroup<TCodes>.Bytes];
        for (int first = 0; first < row.Length; first += OwnGroup<TCodes>.Size * Together)
        {
            Span<float> groups = row.Slice(first, Math.Min(OwnGroup<TCodes>.Size * Together, row.Length - first));
            new Span<float>(numbers, OwnGroup<TCodes>.Size * Together).Clear();
            for (int i = 0; i < groups.Length; i++)
            {
                numbers[(i % OwnGroup<TCodes>.Size * Together) + (i / OwnGroup<TCodes>.Size)] = groups[i];
            }

            OwnGroup<TCodes>.Quantize(numbers, packed);
            for (int i = 0; i < groups.Length; i++)
            {
                groups[i] = OwnGroup<TCodes>.Value(packed, i / OwnGroup<TCodes>.Size, i % OwnGroup<TCodes>.Size);
            }
        }
    }

    /// <inheritdoc/>
    protected override void Quantize(float* numbers, byte* panel, int group) =>
        OwnGroup<TCodes>.Quantize(numbers, panel + ((nint)group * OwnGroup<TCodes>.Bytes));
}
