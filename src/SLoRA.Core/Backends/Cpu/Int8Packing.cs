namespace SLoRA.Backends.Cpu;

/// <summary>Panels of 8-bit integers with a scale per output and group of inputs (<see cref="Int8Layout{T}"/>).</summary>
/// <typeparam name="T">The groups.</typeparam>
internal sealed unsafe class Int8Packing<T> : PanelPacking
    where T : struct, IInt8Groups
{
    /// <inheritdoc/>
    public override int GroupInputs => Int8Layout<T>.GroupInputs;

    /// <inheritdoc/>
    public override long PanelBytes(int inputs) => (long)Int8Layout<T>.Groups(inputs) * Int8Layout<T>.GroupBytes;

    /// <inheritdoc/>
    public override long UnpackedBytes(int inputs) => PanelBytes(inputs);

    /// <inheritdoc/>
    public override void Multiply(in PanelBlock block)
    {
        // Packed weights are unpacked already.
        if (block.Unpacked is null && ByteProduct<T>.Takes<Int8BytePanel<T>>(block))
        {
            ByteProduct<T>.Multiply<Int8BytePanel<T>>(block, block.Code?.Bytes);
        }
        else if (block.Code is { } code)
        {
            WordProduct512.Multiply<T>(block, code);
        }
        else if (InstructionSets.VectorBits == 512)
        {
            Int8Product512.Multiply<T>(block);
        }
        else if (InstructionSets.VectorBits == 256)
        {
            Int8Product256.Multiply<T>(block);
        }
        else
        {
            Int8Product128.Multiply<T>(block);
        }
    }
}
