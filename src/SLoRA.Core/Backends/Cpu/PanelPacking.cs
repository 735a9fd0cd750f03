namespace SLoRA.Backends.Cpu;

/// <summary>How panels of 16 outputs hold the weights of a <see cref="CpuMatrix"/>, and the product that reads them.</summary>
internal abstract class PanelPacking
{
    /// <summary>
    /// Inputs that share a scale in the quantized activations that the product reads (<see cref="QuantizedInputs"/>); 0 where it reads
    /// fp32.
    /// </summary>
    public abstract int GroupInputs { get; }

    /// <summary>Whether the product reads the sums of these groups as well.</summary>
    public virtual bool NeedsSums => false;

    /// <summary>Whether few rows, too, ask for the panels that come next (<see cref="PanelBlock.Next"/>).</summary>
    public virtual bool AsksAhead => false;

    /// <summary>Bytes that a panel of so many inputs takes while several rows are multiplied by it; 0 where it is read as it is.</summary>
    public virtual long UnpackedBytes(int inputs) => 0;

    /// <summary>Bytes of a panel of so many inputs.</summary>
    public abstract long PanelBytes(int inputs);

    /// <summary>Multiplies all rows by all panels of a block.</summary>
    public abstract void Multiply(in PanelBlock block);
}
