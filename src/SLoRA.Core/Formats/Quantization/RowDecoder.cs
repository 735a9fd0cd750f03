using SLoRA.Formats.Blocks;

namespace SLoRA.Formats.Quantization;

/// <summary>A quantized weight whose parts are in memory: gives its rows in fp32. Any thread.</summary>
internal abstract class RowDecoder
{
    /// <summary>Widens one row.</summary>
    /// <param name="row">The row: an output of the module.</param>
    /// <param name="values">Its elements, one for each input.</param>
    public abstract void Widen(int row, Span<float> values);

    /// <summary>Gives one row in blocks, where a weight has the format for it.</summary>
    /// <param name="row">The row.</param>
    /// <param name="format">The format.</param>
    /// <param name="blocks">Its blocks.</param>
    public virtual void Write(int row, ZeroedFormat format, Span<byte> blocks) =>
        throw new InvalidOperationException($"This weight has no {format}.");
}
