using System.Collections.Immutable;

namespace SLoRA.Formats;

/// <summary>One weight of a model, as its files have it.</summary>
/// <param name="Name">The name that Hugging Face gives it, whatever its own files call it.</param>
/// <param name="Format">How the elements lie that <see cref="WeightStore"/> gives; null if the file stores what is no weight.</param>
/// <param name="Type">What the file calls the type of its elements.</param>
/// <param name="Shape">Its dimensions, outermost first.</param>
/// <param name="File">The file that it is in, for errors.</param>
/// <param name="NameInFile">What the file calls it, for errors.</param>
internal sealed record StoredWeight(
    string Name, WeightFormat? Format, string Type, ImmutableArray<long> Shape, string File, string NameInFile)
{
    /// <summary>The number of elements.</summary>
    public long ElementCount => Shape.Aggregate(1L, static (product, size) => product * size);

    /// <summary>The shape as people write it: <c>[32, 16]</c>.</summary>
    public string ShapeText => "[" + string.Join(", ", Shape) + "]";

    /// <summary>How its elements lie. Whoever asks has checked that it is a weight.</summary>
    public WeightFormat Served => Format ?? throw new InvalidOperationException($"{Name} is of type {Type}, which is none of weights.");

    /// <summary>Bytes of all elements.</summary>
    public long Bytes => Served.BytesOf(ElementCount);

    /// <summary>Elements of a row: of the last dimension.</summary>
    public long Columns => Shape.IsEmpty ? 1 : Shape[^1];

    /// <summary>An error about it: the rest of a sentence that begins with its name.</summary>
    public FormatError Error(string problem) => new(LoadErrorKind.Tensor, File, NameInFile, problem);
}
