using SLoRA.Step;

namespace SLoRA.Backends.Reference;

/// <summary>Short convolutions over the rows of a slice.</summary>
internal static unsafe class ReferenceConvolution
{
    /// <summary>Where part <paramref name="part"/> of a state begins.</summary>
    public delegate float* Part(int part);

    /// <summary>Convolves the rows of one slice and leaves the last inputs in the state.</summary>
    public static void Run(
        StepSlice slice, float[][] x, int firstColumn, ShortConvolution convolution, Part state, float[][] y)
    {
        int before = convolution.Kernel - 1;
        float[] weight = ((ReferenceVector)convolution.Weight).Values;
        float[]? bias = ((ReferenceVector?)convolution.Bias)?.Values;
        for (int t = 0; t < slice.RowCount; t++)
        {
            for (int c = 0; c < convolution.Channels; c++)
            {
                float sum = bias?[c] ?? 0;
                for (int k = 0; k < convolution.Kernel; k++)
                {
                    sum = MathF.FusedMultiplyAdd(weight[(k * convolution.Channels) + c], Input(t - before + k, c), sum);
                }

                y[slice.FirstRow + t][c] = sum;
            }
        }

        // Oldest first: what is read lies behind what is written.
        for (int part = 0; part < before; part++)
        {
            for (int c = 0; c < convolution.Channels; c++)
            {
                state(part)[c] = Input(slice.RowCount - before + part, c);
            }
        }

        float Input(int row, int channel) =>
            row >= 0 ? x[slice.FirstRow + row][firstColumn + channel] : state(before + row)[channel];
    }
}
