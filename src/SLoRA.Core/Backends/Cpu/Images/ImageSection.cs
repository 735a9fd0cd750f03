using SLoRA.Native;

namespace SLoRA.Backends.Cpu.Images;

/// <summary>A weight in an image: what was packed, and where its bytes lie.</summary>
/// <param name="IsTable">Whether it is an embedding table, as stored; otherwise a matrix in panels.</param>
/// <param name="Name">The name of the weight.</param>
/// <param name="Format">The format that it was packed from.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Columns">Its columns.</param>
/// <param name="Bytes">What it takes.</param>
internal sealed record ImageSection(bool IsTable, string Name, string Format, int Rows, int Columns, long Bytes)
{
    /// <summary>Where it begins, behind the header; a multiple of <see cref="NativeBlock.Alignment"/>.</summary>
    public long Offset { get; init; }

    /// <summary>Describes a weight.</summary>
    public static ImageSection Of(WeightSource source, bool isTable, long bytes) =>
        new(isTable, source.Name, source.Format.Name, source.Rows, source.Columns, bytes);
}
