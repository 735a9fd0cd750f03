using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Where the parts of a state lie in a sequence's pages of states, in fp32 elements; see <see cref="Step.StateBlock"/>.</summary>
internal readonly struct StatePlace(int firstSlot, int pageSlots, long slotElements, long pageElements)
{
    public readonly int FirstSlot = firstSlot;
    public readonly int PageSlots = pageSlots;
    public readonly long SlotElements = slotElements;
    public readonly long PageElements = pageElements;

    /// <summary>Which of the sequence's pages of states holds a part.</summary>
    public int PageOf(int part) => (FirstSlot + part) / PageSlots;

    /// <summary>Where the part begins in the pool, if its page is this one.</summary>
    public long Of(int page, int part) => (page * PageElements) + ((FirstSlot + part) % PageSlots * SlotElements);
}

/// <summary>Channels of a convolution: columns of x and y, the first one in x, how many, inputs that each sees, 1 for a bias.</summary>
internal readonly struct ConvolutionShape(int width, int firstColumn, int outputWidth, int channels, int kernel, int hasBias)
{
    public readonly int Width = width;
    public readonly int FirstColumn = firstColumn;
    public readonly int OutputWidth = outputWidth;
    public readonly int Channels = channels;
    public readonly int Kernel = kernel;
    public readonly int HasBias = hasBias;
}

/// <summary>
/// <c>y[t, c] = b[c] + Σ w[k, c] x[t − K + 1 + k, c]</c>: x [T, width], y [T, outputWidth], w [K, C], b [C], slices [S, 3] (first row,
/// rows, where the pages of its states begin in pages). A group per slice (x) and 128 channels (y); a thread goes through the rows of its
/// channel, and leaves the last K − 1 inputs in the state.
/// </summary>
internal static class ConvolveKernel
{
    /// <summary>Ints of a slice.</summary>
    public const int SliceInts = 3;

    [Kernel]
    public static void Run(
        ArrayView<float> x, ArrayView<float> weight, ArrayView<float> bias, ArrayView<float> pool, ArrayView<int> slices,
        ArrayView<int> pages, ArrayView<float> y, ConvolutionShape shape, StatePlace state)
    {
        int channel = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (channel >= shape.Channels)
        {
            return;
        }

        int slice = Grid.IdxX * SliceInts;
        int firstRow = slices[slice];
        int rows = slices[slice + 1];
        int statePages = slices[slice + 2];
        int before = shape.Kernel - 1;
        for (int row = 0; row < rows; row++)
        {
            float sum = 0;
            if (shape.HasBias != 0)
            {
                sum = bias[channel];
            }

            for (int k = 0; k < shape.Kernel; k++)
            {
                int at = row - before + k;
                float input = 0;
                if (at >= 0)
                {
                    input = x[((long)(firstRow + at) * shape.Width) + shape.FirstColumn + channel];
                }
                else
                {
                    int part = before + at;
                    input = pool[state.Of(pages[statePages + state.PageOf(part)], part) + channel];
                }

                sum += weight[(k * shape.Channels) + channel] * input;
            }

            y[((long)(firstRow + row) * shape.OutputWidth) + channel] = sum;
        }

        // Oldest first: what is read lies behind what is written.
        for (int kept = 0; kept < before; kept++)
        {
            int at = rows - before + kept;
            float input = 0;
            if (at >= 0)
            {
                input = x[((long)(firstRow + at) * shape.Width) + shape.FirstColumn + channel];
            }
            else
            {
                int part = before + at;
                input = pool[state.Of(pages[statePages + state.PageOf(part)], part) + channel];
            }

            pool[state.Of(pages[statePages + state.PageOf(kept)], kept) + channel] = input;
        }
    }
}
