using System.Runtime.InteropServices;
using SLoRA.Formats.HuggingFace;

namespace SLoRA.Formats.Quantization;

/// <summary>The tensors of a checkpoint, asked for as parts of quantized weights.</summary>
/// <param name="checkpoint">The checkpoint.</param>
internal sealed class TensorParts(Checkpoint checkpoint)
{
    private static readonly TensorType[] Floats = [TensorType.F32, TensorType.F16, TensorType.BF16];

    /// <summary>The path that errors about the set of tensors name.</summary>
    public string File => checkpoint.File;

    /// <summary>Whether there is a tensor of this name.</summary>
    public bool Has(string name) => checkpoint.Tensors.ContainsKey(name);

    /// <summary>Names that begin so.</summary>
    public IEnumerable<string> NamesFrom(string start) =>
        checkpoint.Tensors.Keys.Where(name => name.StartsWith(start, StringComparison.Ordinal));

    /// <summary>A tensor, whatever its type and shape.</summary>
    /// <exception cref="FormatError">There is none.</exception>
    public TensorEntry Entry(string name) => checkpoint.Tensors.GetValueOrDefault(name)
        ?? throw new FormatError(LoadErrorKind.Tensor, checkpoint.File, name, "is missing");

    /// <summary>A tensor of one type.</summary>
    /// <exception cref="FormatError">There is none, or it is another.</exception>
    public TensorEntry Entry(string name, TensorType type, params ReadOnlySpan<long> shape) => Checked(Entry(name), [type], shape);

    /// <summary>A tensor of floating-point numbers.</summary>
    /// <exception cref="FormatError">There is none, or it is another.</exception>
    public TensorEntry Scales(string name, params ReadOnlySpan<long> shape) => Checked(Entry(name), Floats, shape);

    /// <summary>An error about a tensor.</summary>
    public FormatError Error(TensorEntry tensor, string problem) =>
        new(LoadErrorKind.Tensor, checkpoint.FileOf(tensor.Name), tensor.Name, problem);

    /// <summary>Reads the bytes of a tensor.</summary>
    public byte[] Bytes(TensorEntry tensor)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(checked((int)tensor.Length));
        checkpoint.Read(tensor.Name, 0, bytes);
        return bytes;
    }

    /// <summary>Reads the elements of a tensor as they lie.</summary>
    public T[] Items<T>(TensorEntry tensor)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(Bytes(tensor)).ToArray();

    /// <summary>Reads floating-point numbers and checks that they are some.</summary>
    /// <exception cref="FormatError">One is NaN or infinite.</exception>
    public float[] Numbers(TensorEntry tensor)
    {
        byte[] bytes = Bytes(tensor);
        PlainFormat format = WeightFormat.Of(tensor.Type)!;
        if (format.FirstNotFinite(bytes) is >= 0 and var at)
        {
            throw Error(tensor, $"has NaN or infinity at element {at}");
        }

        float[] numbers = new float[tensor.ElementCount];
        format.Widen(bytes, numbers);
        return numbers;
    }

    private TensorEntry Checked(TensorEntry tensor, TensorType[] types, ReadOnlySpan<long> shape)
    {
        if (!types.Contains(tensor.Type))
        {
            throw Error(tensor, $"has type {tensor.Type}, expected {string.Join(" or ", types)}");
        }

        return tensor.Shape.AsSpan().SequenceEqual(shape)
            ? tensor
            : throw Error(tensor, $"has shape {tensor.ShapeText}, expected [{string.Join(", ", shape.ToArray())}]");
    }
}
