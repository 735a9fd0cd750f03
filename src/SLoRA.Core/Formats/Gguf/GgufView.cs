using System.Collections.Immutable;

namespace SLoRA.Formats.Gguf;

/// <summary>
/// A weight in the form that Hugging Face gives it, out of the tensors of a GGUF file: as it lies there, or with rows, parts or numbers
/// put back where a converter has moved them.
/// </summary>
/// <param name="Tensor">The tensor, or the first of them.</param>
/// <param name="File">The file that it is in.</param>
internal abstract record GgufView(GgufTensor Tensor, WeightFile File)
{
    /// <summary>Its dimensions, outermost first.</summary>
    public ImmutableArray<long> Shape { get; init; } = Tensor.Shape;

    /// <summary>How its elements lie as they are given; null if the file stores what is no weight.</summary>
    public virtual WeightFormat? Format => Tensor.Type.Format;

    /// <summary>Whether its bytes lie in the file as they are given, one behind the other.</summary>
    public virtual bool IsStored => false;

    /// <summary>Reads a part of it. Any thread.</summary>
    /// <param name="offset">Bytes from its start.</param>
    /// <param name="destination">Filled to its end.</param>
    public abstract void Read(long offset, Span<byte> destination);

    /// <summary>The weight under a name.</summary>
    public StoredWeight Named(string name) => new(name, Format, Tensor.Type.Name, Shape, File.Path, Tensor.Name);

    /// <summary>Reads a row of a tensor as 32-bit numbers.</summary>
    protected static void Widen(GgufTensor tensor, WeightFile file, long row, Span<float> destination)
    {
        WeightFormat format = tensor.Type.Format ?? throw Problem($"is of type {tensor.Type.Name}, which is none of weights");
        byte[] stored = new byte[format.BytesOf(destination.Length)];
        file.Read(tensor.Begin + (row * stored.Length), stored);
        if (format.FirstNotFinite(stored) is >= 0 and var at)
        {
            throw Problem($"has NaN or infinity at element {(row * destination.Length) + at}");
        }

        format.Widen(stored, destination);

        FormatError Problem(string problem) => new(LoadErrorKind.Tensor, file.Path, tensor.Name, problem);
    }

    /// <summary>An error about it: the rest of a sentence that begins with the tensor's name.</summary>
    protected FormatError Error(string problem) => new(LoadErrorKind.Tensor, File.Path, Tensor.Name, problem);
}

/// <summary>A weight that is stored as it is given.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="File">The file that it is in.</param>
internal sealed record StoredView(GgufTensor Tensor, WeightFile File) : GgufView(Tensor, File)
{
    /// <inheritdoc/>
    public override bool IsStored => true;

    /// <inheritdoc/>
    public override void Read(long offset, Span<byte> destination) => File.Read(Tensor.Begin + offset, destination);
}
