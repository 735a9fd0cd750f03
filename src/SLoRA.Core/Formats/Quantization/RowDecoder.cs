namespace SLoRA.Formats.Quantization;

/// <summary>A quantized weight whose parts are in memory: gives its rows in fp32. Any thread.</summary>
internal abstract class RowDecoder
{
    /// <summary>Widens one row.</summary>
    /// <param name="row">The row: an output of the module.</param>
    /// <param name="values">Its elements, one for each input.</param>
    public abstract void Widen(int row, Span<float> values);
}
