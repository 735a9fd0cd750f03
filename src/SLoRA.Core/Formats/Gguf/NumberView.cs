using System.Runtime.InteropServices;

namespace SLoRA.Formats.Gguf;

/// <summary>A number that Hugging Face stores as a tensor of a layer, and a file among its keys.</summary>
/// <param name="Tensor">The tensor that it would be.</param>
/// <param name="File">The file.</param>
/// <param name="Value">The number.</param>
internal sealed record NumberView(GgufTensor Tensor, WeightFile File, float Value) : GgufView(Tensor, File)
{
    /// <inheritdoc/>
    public override void Read(long offset, Span<byte> destination) =>
        MemoryMarshal.AsBytes([Value]).Slice((int)offset, destination.Length).CopyTo(destination);
}
