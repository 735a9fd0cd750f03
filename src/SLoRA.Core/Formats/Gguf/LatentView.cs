using System.Runtime.InteropServices;

namespace SLoRA.Formats.Gguf;

/// <summary>
/// The product that makes keys and values of a latent, <c>[heads · (k + v), latent]</c>, out of a file that has keys, transposed for each
/// head (<c>[heads, latent, k]</c>), and values (<c>[heads, v, latent]</c>) apart. Blocks are widened: columns cannot be moved in them.
/// </summary>
internal sealed record LatentView : GgufView
{
    private readonly GgufTensor _values;
    private readonly WeightFile _valuesFile;
    private readonly Lock _turning = new();
    private readonly int _latent;
    private readonly int _keyRows;
    private readonly int _valueRows;
    private (long Head, float[] Rows)? _turned;

    /// <summary>Joins both.</summary>
    /// <exception cref="FormatError">Their shapes do not belong together.</exception>
    public LatentView((GgufTensor Tensor, WeightFile File) keys, (GgufTensor Tensor, WeightFile File) values)
        : base(keys.Tensor, keys.File)
    {
        (_values, _valuesFile) = values;
        if (Tensor.Shape is not [var heads, var latent, var keyRows] || _values.Shape is not [var others, var valueRows, var columns]
            || others != heads || columns != latent || Math.Max(Math.Max(keyRows, valueRows), latent) > 1 << 20)
        {
            throw Error($"has the shape [{string.Join(", ", Tensor.Shape)}], {_values.Name} [{string.Join(", ", _values.Shape)}]; "
                + "expected [heads, latent, k] and [heads, v, latent]");
        }

        (_latent, _keyRows, _valueRows) = ((int)latent, (int)keyRows, (int)valueRows);
        Shape = [heads * (keyRows + valueRows), latent];
    }

    /// <inheritdoc/>
    public override WeightFormat? Format => Tensor.Type.Format is null ? null : WeightFormat.F32;

    /// <inheritdoc/>
    public override void Read(long offset, Span<byte> destination)
    {
        int rowBytes = _latent * sizeof(float);
        float[] row = new float[_latent];
        while (!destination.IsEmpty)
        {
            (long number, long within) = Math.DivRem(offset, rowBytes);
            int bytes = (int)Math.Min(destination.Length, rowBytes - within);
            Fill(number, row);
            MemoryMarshal.AsBytes(row.AsSpan()).Slice((int)within, bytes).CopyTo(destination);
            destination = destination[bytes..];
            offset += bytes;
        }
    }

    private void Fill(long row, Span<float> destination)
    {
        (long head, long within) = Math.DivRem(row, _keyRows + _valueRows);
        if (within >= _keyRows)
        {
            Widen(_values, _valuesFile, (head * _valueRows) + within - _keyRows, destination);
            return;
        }

        lock (_turning)
        {
            float[] rows = _turned is { } last && last.Head == head ? last.Rows : Turn(head);
            rows.AsSpan((int)within * _latent, _latent).CopyTo(destination);
        }
    }

    private float[] Turn(long head)
    {
        float[] rows = new float[_keyRows * _latent], column = new float[_keyRows];
        for (int at = 0; at < _latent; at++)
        {
            Widen(Tensor, File, (head * _latent) + at, column);
            for (int row = 0; row < _keyRows; row++)
            {
                rows[(row * _latent) + at] = column[row];
            }
        }

        _turned = (head, rows);
        return rows;
    }
}
