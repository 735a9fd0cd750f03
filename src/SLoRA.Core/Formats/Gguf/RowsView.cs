using System.Runtime.InteropServices;

namespace SLoRA.Formats.Gguf;

/// <summary>A weight whose rows are stored whole and in another order, perhaps in several tensors. A row of a vector is a number.</summary>
/// <param name="Tensor">The tensor, or the first of them.</param>
/// <param name="File">The file that it is in.</param>
internal abstract record RowsView(GgufTensor Tensor, WeightFile File) : GgufView(Tensor, File)
{
    /// <inheritdoc/>
    public override WeightFormat? Format => Widens && Tensor.Type.Format is not null ? WeightFormat.F32 : Tensor.Type.Format;

    /// <summary>Whether rows are widened, because the tensors that they come from differ in type.</summary>
    protected virtual bool Widens => false;

    /// <inheritdoc/>
    public sealed override void Read(long offset, Span<byte> destination)
    {
        WeightFormat format = Format ?? throw Error($"is of type {Tensor.Type.Name}, which is none of weights");
        int columns = Tensor.Shape.Length == 1 ? 1 : (int)Tensor.Shape[^1];
        long rowBytes = format.BytesOf(columns);
        float[] widened = Widens ? new float[columns] : [];
        (long begin, long length) = (offset, destination.Length);
        while (!destination.IsEmpty)
        {
            (long row, long within) = Math.DivRem(offset, rowBytes);
            int bytes = (int)Math.Min(destination.Length, rowBytes - within);
            (GgufTensor tensor, WeightFile file, long stored) = InFile(row);
            if (Widens)
            {
                Widen(tensor, file, stored, widened);
                MemoryMarshal.AsBytes(widened.AsSpan()).Slice((int)within, bytes).CopyTo(destination);
            }
            else
            {
                file.Read(tensor.Begin + (stored * rowBytes) + within, destination[..bytes]);
            }

            destination = destination[bytes..];
            offset += bytes;
        }

        Leave(begin, length);
    }

    /// <summary>A part was read: what it lies in is not needed in the file again soon.</summary>
    protected virtual void Leave(long offset, long bytes)
    {
    }

    /// <summary>Where a row lies.</summary>
    protected abstract (GgufTensor Tensor, WeightFile File, long Row) InFile(long row);
}

/// <summary>Queries or keys whose rows lie as llama.cpp rotates them.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="File">The file that it is in.</param>
/// <param name="Order">The order of its rows.</param>
internal sealed record HeadRowsView(GgufTensor Tensor, WeightFile File, HeadRows Order) : RowsView(Tensor, File)
{
    /// <inheritdoc/>
    protected override (GgufTensor Tensor, WeightFile File, long Row) InFile(long row) => (Tensor, File, Order.InFile(row));

    /// <inheritdoc/>
    /// <remarks>Rows move within their head, so that those of a part come from about the same place.</remarks>
    protected override void Leave(long offset, long bytes) => File.Leave(Tensor.Begin + offset, bytes);
}
