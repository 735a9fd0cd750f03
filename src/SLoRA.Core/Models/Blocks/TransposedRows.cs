using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Native;

namespace SLoRA.Models.Blocks;

/// <summary>Some rows of a weight with the dimensions the other way round, one after another in the same memory.</summary>
/// <param name="weight">The weight; its memory stays while this is used.</param>
internal sealed unsafe class TransposedRows(WeightSource weight) : IDisposable
{
    private NativeBlock? _memory;

    private bool IsNarrow => weight.Format is PlainFormat { Type: TensorType.F16 or TensorType.BF16 };

    /// <summary>Rows [first, first + count) as <c>[columns, count]</c>, as fp32 where they are not of 16 bits.</summary>
    public WeightSource Of(string name, int first, int count) => new(
        name, IsNarrow ? weight.Format : WeightFormat.F32, () => Transpose(first, count), weight.Columns, count);

    /// <inheritdoc/>
    public void Dispose() => _memory?.Dispose();

    private nint Transpose(int first, int count)
    {
        bool isNarrow = IsNarrow;
        int size = isNarrow ? sizeof(ushort) : sizeof(float);
        long bytes = (long)weight.Columns * count * size;
        if (_memory is null || _memory.Length < bytes)
        {
            _memory?.Dispose();
            _memory = new NativeBlock(bytes);
        }

        fixed (byte* target = _memory.Slice(0, checked((int)bytes)))
        {
            float[] row = isNarrow ? [] : new float[weight.Columns];
            for (int i = 0; i < count; i++)
            {
                if (isNarrow)
                {
                    var source = (ushort*)(weight.Data + (nint)((first + i) * weight.RowBytes));
                    for (int column = 0; column < weight.Columns; column++)
                    {
                        ((ushort*)target)[((long)column * count) + i] = source[column];
                    }

                    continue;
                }

                weight.Format.Widen(weight.Row(first + i), row);
                for (int column = 0; column < weight.Columns; column++)
                {
                    ((float*)target)[((long)column * count) + i] = row[column];
                }
            }

            // Outside the heap of the garbage collector, so it does not move.
            return (nint)target;
        }
    }
}
