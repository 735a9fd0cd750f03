using System.Runtime.InteropServices;

namespace SLoRA.Formats.Gguf;

/// <summary>
/// A weight whose columns go by value heads, in llama.cpp's order. Where a head is whole blocks, these are moved; otherwise rows are
/// widened.
/// </summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="File">The file that it is in.</param>
/// <param name="Heads">The heads.</param>
internal sealed record DeltaColumnsView(GgufTensor Tensor, WeightFile File, DeltaHeads Heads) : GgufView(Tensor, File)
{
    /// <inheritdoc/>
    public override WeightFormat? Format => MovesBlocks ? Tensor.Type.Format : Tensor.Type.Format is null ? null : WeightFormat.F32;

    private bool MovesBlocks => Tensor.Type.Format is { } format && Heads.ValueDim % format.BlockElements == 0;

    /// <inheritdoc/>
    public override void Read(long offset, Span<byte> destination)
    {
        WeightFormat format = Format ?? throw Error($"is of type {Tensor.Type.Name}, which is none of weights");
        if (Tensor.Shape is not [_, var columns] || columns != Heads.Values * Heads.ValueDim)
        {
            throw Error($"has the shape [{string.Join(", ", Tensor.Shape)}]; expected {Heads.Values * Heads.ValueDim} columns");
        }

        int rowBytes = (int)format.BytesOf(columns), headBytes = rowBytes / Heads.Values;
        byte[] stored = new byte[rowBytes], row = new byte[rowBytes];
        while (!destination.IsEmpty)
        {
            (long number, long within) = Math.DivRem(offset, rowBytes);
            ReadStored(number, stored);
            for (int head = 0; head < Heads.Values; head++)
            {
                stored.AsSpan((int)Heads.InFile(head, 1) * headBytes, headBytes).CopyTo(row.AsSpan(head * headBytes));
            }

            int bytes = (int)Math.Min(destination.Length, rowBytes - within);
            row.AsSpan((int)within, bytes).CopyTo(destination);
            destination = destination[bytes..];
            offset += bytes;
        }
    }

    private void ReadStored(long row, byte[] destination)
    {
        if (MovesBlocks)
        {
            File.Read(Tensor.Begin + (row * destination.Length), destination);
        }
        else
        {
            Widen(Tensor, File, row, MemoryMarshal.Cast<byte, float>(destination.AsSpan()));
        }
    }
}
