using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// How kernels read the weights of one format, row-major <c>[rows, columns]</c> as stored: a type parameter of kernels, so that each format
/// gets its own code. Element types are formats too (<see cref="StoredF32"/>, <see cref="StoredF16"/>, <see cref="StoredBf16"/>).
/// </summary>
/// <typeparam name="TStored">The words that a row lies in memory as.</typeparam>
internal interface IStoredFormat<TStored>
    where TStored : unmanaged
{
    /// <summary>Words of a row of so many columns, which are whole blocks.</summary>
    static abstract int RowWords(int columns);

    /// <summary>The element of a column, widened, of the row whose first word is <paramref name="row"/>.</summary>
    static abstract float Load(ArrayView<TStored> weight, long row, int column);
}

/// <summary>
/// Q8_0: blocks of 17 words of 16 bits, a scale in half precision and 32 signed 8-bit integers, the even one of a word in its lower half.
/// </summary>
internal readonly struct StoredQ8 : IStoredFormat<ushort>
{
    private const int BlockWords = 17;

    public static int RowWords(int columns) => (columns >> 5) * BlockWords;

    public static float Load(ArrayView<ushort> weight, long row, int column)
    {
        long block = row + ((column >> 5) * BlockWords);
        int word = weight[block + 1 + ((column & 31) >> 1)];
        // Up to the sign bit and down again: 24 bits for the lower half, 16 for the upper.
        int integer = (word << (24 - ((column & 1) << 3))) >> 24;
        return StoredF16.Load(weight[block]) * integer;
    }
}
