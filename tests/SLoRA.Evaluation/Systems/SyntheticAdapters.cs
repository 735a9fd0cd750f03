using System.Runtime.InteropServices;
using SLoRA.Formats;

namespace SLoRA.Evaluation.Systems;

/// <summary>
/// Adapters on q, k, v and o from a seed, each with its own content, whose elements are some of one table's. Padded ones have rows of zeros
/// below, and change what those without do.
/// </summary>
/// <param name="shape">The decoder.</param>
/// <param name="type">Type of the elements.</param>
internal sealed class SyntheticAdapters(Shape shape, TensorType type)
{
    /// <summary>What multiplies B A.</summary>
    public const float Scale = 2;

    // Odd, so that the places of 2^18 adapters differ in a table of 2^18 elements.
    private const int Stride = 8191;
    private const int LayerStride = 1009;
    private const int MatrixStride = 37;

    private static readonly string[] Modules = ["q_proj", "k_proj", "v_proj", "o_proj"];

    private readonly RandomElements _elements = new(type, seed: 100);

    /// <summary>The modules, with their inputs and outputs.</summary>
    public IEnumerable<(string Module, int Inputs, int Outputs)> Targets()
    {
        int queries = shape.Heads * shape.HeadDim;
        int keys = shape.KeyValueHeads * shape.HeadDim;
        yield return (Modules[0], shape.Hidden, queries);
        yield return (Modules[1], shape.Hidden, keys);
        yield return (Modules[2], shape.Hidden, keys);
        yield return (Modules[3], queries, shape.Hidden);
    }

    /// <summary>An adapter.</summary>
    /// <param name="number">Which.</param>
    /// <param name="rank">Its rank.</param>
    /// <param name="padded">The rank that it has with zeros.</param>
    public AdapterTensors Create(int number, int rank, int padded)
    {
        var tensors = new AdapterTensors(
            new AdapterSettings { Rank = padded, Alpha = Scale * padded, TargetModules = [.. Modules] });
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            foreach ((string module, int inputs, int outputs) in Targets())
            {
                string name = $"base_model.model.model.layers.{layer}.self_attn.{module}";
                byte[] a = new byte[padded * inputs * type.ElementSize()];
                A(number, layer, module, rank, inputs).CopyTo(a, 0);
                Add($"{name}.lora_A.weight", a, padded, inputs);
                Add($"{name}.lora_B.weight", Padded(B(number, layer, module, rank, outputs), outputs, rank, padded), outputs, padded);
            }
        }

        return tensors;

        void Add(string name, byte[] bytes, int rows, int columns)
        {
            switch (type)
            {
                case TensorType.BF16:
                    tensors.AddBFloat16(name, MemoryMarshal.Cast<byte, ushort>(bytes), rows, columns);
                    break;
                case TensorType.F32:
                    tensors.Add(name, MemoryMarshal.Cast<byte, float>(bytes), rows, columns);
                    break;
                default:
                    throw new NotSupportedException($"Synthetic adapters are bf16 or fp32, not {type}.");
            }
        }
    }

    /// <summary>A of a module, <c>[rank, inputs]</c>.</summary>
    public byte[] A(int number, int layer, string module, int rank, int inputs) => Elements(number, layer, module, 0, rank * inputs);

    /// <summary>B of a module, <c>[outputs, rank]</c>.</summary>
    public byte[] B(int number, int layer, string module, int rank, int outputs) => Elements(number, layer, module, 1, outputs * rank);

    /// <summary>Elements widened.</summary>
    public float[] Widened(byte[] elements) => type == TensorType.F32
        ? MemoryMarshal.Cast<byte, float>(elements).ToArray()
        : [.. MemoryMarshal.Cast<byte, ushort>(elements).ToArray().Select(bits => BitConverter.UInt32BitsToSingle((uint)bits << 16))];

    private byte[] Elements(int number, int layer, string module, int half, int count)
    {
        long place = ((long)number * Stride) + (layer * LayerStride) + (MatrixStride * ((2 * Array.IndexOf(Modules, module)) + half));
        byte[] bytes = new byte[count * type.ElementSize()];
        _elements.Fill(bytes, (int)(place % RandomElements.Count) * type.ElementSize());
        return bytes;
    }

    private byte[] Padded(byte[] elements, int rows, int columns, int padded)
    {
        if (columns == padded)
        {
            return elements;
        }

        int size = type.ElementSize();
        byte[] wide = new byte[rows * padded * size];
        for (int row = 0; row < rows; row++)
        {
            elements.AsSpan(row * columns * size, columns * size).CopyTo(wide.AsSpan(row * padded * size));
        }

        return wide;
    }
}
