using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// How kernels read the weights of one format, row-major <c>[rows, columns]</c>: a type parameter of kernels, so that each format
/// gets its own code. Element types are formats too (<see cref="StoredF32"/>, <see cref="StoredF16"/>, <see cref="StoredBf16"/>).
/// </summary>
/// <typeparam name="TStored">The words that a row lies in memory as.</typeparam>
internal interface IStoredFormat<TStored>
    where TStored : unmanaged
{
    /// <summary>Words of a row of so many columns, which are whole blocks.</summary>
    static abstract int RowWords(int columns);

    /// <summary>
    /// The element of a column, widened, of the row of <paramref name="columns"/> whose first word is <paramref name="row"/>.
    /// </summary>
    static abstract float Load(ArrayView<TStored> weight, long row, int column, int columns);
}
