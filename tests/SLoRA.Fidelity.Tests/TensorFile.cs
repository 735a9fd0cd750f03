using System.Runtime.InteropServices;
using SLoRA.Formats;

namespace SLoRA.Fidelity.Tests;

/// <summary>Tensors of a safetensors file, read one at a time by name.</summary>
internal sealed class TensorFile(string path)
{
    private readonly Lazy<SafetensorsHeader> _header = new(() =>
    {
        using FileStream stream = File.OpenRead(path);
        return SafetensorsHeader.Read(stream, path);
    });

    public bool Exists => File.Exists(path);

    /// <summary>All elements, row by row.</summary>
    public float[] Floats(string name) => Read<float>(name, TensorType.F32);

    /// <inheritdoc cref="Floats"/>
    public int[] Integers(string name) => Find(name).Type == TensorType.I64
        ? [.. Read<long>(name, TensorType.I64).Select(value => checked((int)value))]
        : Read<int>(name, TensorType.I32);

    /// <summary>The first dimension.</summary>
    public int Rows(string name) => (int)Find(name).Shape[0];

    private TensorEntry Find(string name) =>
        _header.Value.Find(name) ?? throw new InvalidDataException($"{path} has no tensor '{name}'.");

    private T[] Read<T>(string name, TensorType type)
        where T : unmanaged
    {
        TensorEntry tensor = Find(name);
        if (tensor.Type != type)
        {
            throw new InvalidDataException($"{path}: the tensor '{name}' is {tensor.Type}, not {type}.");
        }

        var values = new T[tensor.ElementCount];
        using FileStream stream = File.OpenRead(path);
        stream.Position = tensor.Begin;
        stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}
