using System.Runtime.InteropServices;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>
/// Adapters with random weights: on q, k, v and o, of rank 64, 32, 16 and 8 in turn, or of one rank on all linear modules.
/// </summary>
internal static class RandomAdapter
{
    private static readonly int[] Ranks = [64, 32, 16, 8];

    /// <summary>The rank of an adapter.</summary>
    public static int RankOf(int number) => Ranks[number % Ranks.Length];

    /// <summary>The type of the weights: the base's, 16 bits for a base of 32.</summary>
    public static TensorType TypeFor(TensorType weights) => weights == TensorType.BF16 ? TensorType.BF16 : TensorType.F16;

    /// <summary>Bytes of an adapter's weights: A and B of q, k, v and o in every layer.</summary>
    public static long BytesOf(Shape shape, int number)
    {
        int queries = shape.Heads * shape.HeadDim;
        int keys = shape.KeyValueHeads * shape.HeadDim;
        return (long)shape.Layers * RankOf(number) * ((4 * shape.Hidden) + (2 * queries) + (2 * keys)) * sizeof(ushort);
    }

    /// <summary>The adapter of a number, with elements of its own.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="weights">The type of the base's weights.</param>
    /// <param name="number">The number.</param>
    /// <param name="rank">A rank on all linear modules; null for that of the number on q, k, v and o.</param>
    public static AdapterTensors Create(Shape shape, TensorType weights, int number, int? rank = null)
    {
        TensorType type = TypeFor(weights);
        return Create(shape, rank ?? RankOf(number), rank is not null, new RandomElements(type, seed: 100 + number), type, 0);
    }

    /// <summary>The adapter of a number, whose elements are some of a table's, from a place on.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="number">The number.</param>
    /// <param name="elements">The table.</param>
    /// <param name="type">The type of its elements.</param>
    /// <param name="place">The place.</param>
    /// <param name="invocation">The tokens that it acts from; empty for the first of a prompt.</param>
    public static AdapterTensors Create(
        Shape shape, int number, RandomElements elements, TensorType type, int place, params ReadOnlySpan<int> invocation) =>
        Create(shape, RankOf(number), false, elements, type, place, invocation);

    private static AdapterTensors Create(
        Shape shape, int rank, bool isOnAll, RandomElements elements, TensorType type, int place, params ReadOnlySpan<int> invocation)
    {
        string others = isOnAll ? ", \"gate_proj\", \"up_proj\", \"down_proj\"" : "";
        var tensors = new AdapterTensors($$"""
            {
              "peft_type": "LORA", "r": {{rank}}, "lora_alpha": {{2 * rank}},
              "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"{{others}}],
              "alora_invocation_tokens": {{(invocation.IsEmpty ? "null" : $"[{string.Join(", ", invocation.ToArray())}]")}}
            }
            """);
        int queries = shape.Heads * shape.HeadDim;
        int keys = shape.KeyValueHeads * shape.HeadDim;
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            Add("self_attn.q_proj", shape.Hidden, queries);
            Add("self_attn.k_proj", shape.Hidden, keys);
            Add("self_attn.v_proj", shape.Hidden, keys);
            Add("self_attn.o_proj", queries, shape.Hidden);
            if (isOnAll)
            {
                Add("mlp.gate_proj", shape.Hidden, shape.Intermediate);
                Add("mlp.up_proj", shape.Hidden, shape.Intermediate);
                Add("mlp.down_proj", shape.Intermediate, shape.Hidden);
            }

            void Add(string module, int inputs, int outputs)
            {
                string name = $"base_model.model.model.layers.{layer}.{module}";
                AddMatrix($"{name}.lora_A.weight", rank, inputs);
                AddMatrix($"{name}.lora_B.weight", outputs, rank);
            }

            void AddMatrix(string name, int rows, int columns)
            {
                var bytes = new byte[rows * columns * sizeof(ushort)];
                elements.Fill(bytes, sizeof(ushort) * (place + (layer * 1009)));
                if (type == TensorType.BF16)
                {
                    tensors.AddBFloat16(name, MemoryMarshal.Cast<byte, ushort>(bytes), rows, columns);
                }
                else
                {
                    tensors.Add(name, MemoryMarshal.Cast<byte, Half>(bytes), rows, columns);
                }
            }
        }

        return tensors;
    }
}
