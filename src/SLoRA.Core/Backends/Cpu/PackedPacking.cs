namespace SLoRA.Backends.Cpu;

/// <summary>Panels of weights of few bits, <see cref="PackedLayout{TCodes,TScales,T}"/>: read as they are by one row, unpacked for several.
/// </summary>
/// <typeparam name="TCodes">How many bits codes have.</typeparam>
/// <typeparam name="TScales">How scales are kept.</typeparam>
/// <typeparam name="T">The groups.</typeparam>
internal sealed class PackedPacking<TCodes, TScales, T> : PanelPacking
    where TCodes : struct, IPackedCodes
    where TScales : struct, IPackedScales
    where T : struct, IInt8Groups
{
    /// <inheritdoc/>
    public override int GroupInputs => Int8Layout<T>.GroupInputs;

    /// <inheritdoc/>
    public override bool NeedsSums => TScales.HasOffsets || TCodes.Zero != 0;

    /// <inheritdoc/>
    public override bool AsksAhead => true;

    /// <inheritdoc/>
    public override long PanelBytes(int inputs) => PackedLayout<TCodes, TScales, T>.PanelBytes(inputs);

    /// <inheritdoc/>
    public override long UnpackedBytes(int inputs) => PackedProduct<TCodes, TScales, T>.UnpackedBytes(inputs);

    /// <inheritdoc/>
    public override void Multiply(in PanelBlock block) => PackedProduct<TCodes, TScales, T>.Multiply(block);
}
