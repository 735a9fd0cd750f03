using System.Collections.Immutable;

namespace SLoRA.Formats.Gguf;

/// <summary>
/// One weight of Hugging Face that a file has in parts of as many rows each: one behind the other, or row by row in turn.
/// </summary>
internal sealed record JoinedView : RowsView
{
    private readonly ImmutableArray<(GgufTensor Tensor, WeightFile File)> _parts;
    private readonly bool _isInTurn;

    /// <summary>Joins parts.</summary>
    /// <param name="parts">The parts, of one shape.</param>
    /// <param name="isInTurn">Whether their rows alternate.</param>
    /// <exception cref="FormatError">They differ in shape.</exception>
    public JoinedView(ImmutableArray<(GgufTensor Tensor, WeightFile File)> parts, bool isInTurn)
        : base(parts[0].Tensor, parts[0].File)
    {
        _parts = parts;
        _isInTurn = isInTurn;
        foreach ((GgufTensor tensor, WeightFile file) in parts.AsSpan(1..))
        {
            if (!tensor.Shape.AsSpan().SequenceEqual(Tensor.Shape.AsSpan()))
            {
                throw new FormatError(
                    LoadErrorKind.Tensor, file.Path, tensor.Name,
                    $"has the shape [{string.Join(", ", tensor.Shape)}], and {Tensor.Name}, which is another part of the same weight, "
                    + $"[{string.Join(", ", Tensor.Shape)}]");
            }
        }

        Shape = [parts.Length * Tensor.Shape[0], .. Tensor.Shape.AsSpan(1..)];
    }

    /// <inheritdoc/>
    protected override bool Widens => _parts.Any(part => part.Tensor.Type != Tensor.Type);

    /// <inheritdoc/>
    protected override (GgufTensor Tensor, WeightFile File, long Row) InFile(long row)
    {
        long rows = Tensor.Shape[0];
        (long part, long within) = _isInTurn ? (row % _parts.Length, row / _parts.Length) : (row / rows, row % rows);
        return (_parts[(int)part].Tensor, _parts[(int)part].File, within);
    }
}
