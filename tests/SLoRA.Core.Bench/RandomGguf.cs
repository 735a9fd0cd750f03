using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>
/// GGUF files of a shape with random weights, as llama.cpp names them: a Llama, or a Qwen 3 with a mixture of experts, and adapters for
/// either. For a peer that reads such files; they have no tokenizer.
/// </summary>
internal static class RandomGguf
{
    /// <summary>Writes a model.</summary>
    /// <param name="file">Where.</param>
    /// <param name="shape">The decoder.</param>
    /// <param name="mixture">The types of its matrices; vectors and routers are fp32.</param>
    public static void WriteModel(string file, Shape shape, GgufMixture mixture) => RandomGgufWriter.Write(
        file,
        [.. Settings(shape)],
        [.. Tensors(shape).Select(tensor => new RandomGgufTensor(
            tensor.Name, tensor.Shape, tensor.IsWide ? WeightFormat.F32 : mixture.TypeOf(tensor.Name, tensor.Shape[^1], shape.Layers)))]);

    /// <summary>Writes an adapter, in half precision.</summary>
    /// <param name="file">Where.</param>
    /// <param name="shape">The decoder that it is for, one without experts.</param>
    /// <param name="rank">Its rank.</param>
    /// <param name="isOnAll">Whether it is on all linear modules; else it is on q, k, v and o.</param>
    public static void WriteAdapter(string file, Shape shape, int rank, bool isOnAll)
    {
        IEnumerable<(string Name, int[] Shape, bool IsWide)> adapted = Tensors(shape).Where(tensor => !tensor.IsWide
            && (tensor.Name.Contains(".attn_") || (isOnAll && tensor.Name.Contains(".ffn_"))));
        RandomGgufWriter.Write(
            file,
            [
                ("general.architecture", "llama"), ("general.type", "adapter"), ("adapter.type", "lora"),
                ("adapter.lora.alpha", 2f * rank),
            ],
            [.. adapted.SelectMany(tensor => new RandomGgufTensor[]
            {
                new(tensor.Name + ".lora_a", [rank, tensor.Shape[1]], WeightFormat.F16),
                new(tensor.Name + ".lora_b", [tensor.Shape[0], rank], WeightFormat.F16),
            })]);
    }

    /// <summary>Names and dimensions of its tensors, the outermost first, and which are fp32 in every file.</summary>
    public static IEnumerable<(string Name, int[] Shape, bool IsWide)> Tensors(Shape shape)
    {
        int queries = shape.Heads * shape.HeadDim;
        int keys = shape.KeyValueHeads * shape.HeadDim;
        int[] experts = shape.Experts > 0 ? [shape.Experts] : [];
        string behind = shape.Experts > 0 ? "_exps" : "";
        yield return ("token_embd.weight", [shape.Vocabulary, shape.Hidden], false);
        yield return ("output_norm.weight", [shape.Hidden], true);
        for (int i = 0; i < shape.Layers; i++)
        {
            yield return ($"blk.{i}.attn_norm.weight", [shape.Hidden], true);
            yield return ($"blk.{i}.attn_q.weight", [queries, shape.Hidden], false);
            yield return ($"blk.{i}.attn_k.weight", [keys, shape.Hidden], false);
            yield return ($"blk.{i}.attn_v.weight", [keys, shape.Hidden], false);
            yield return ($"blk.{i}.attn_output.weight", [shape.Hidden, queries], false);
            yield return ($"blk.{i}.ffn_norm.weight", [shape.Hidden], true);
            if (shape.Experts > 0)
            {
                yield return ($"blk.{i}.attn_q_norm.weight", [shape.HeadDim], true);
                yield return ($"blk.{i}.attn_k_norm.weight", [shape.HeadDim], true);
                yield return ($"blk.{i}.ffn_gate_inp.weight", [shape.Experts, shape.Hidden], true);
            }

            yield return ($"blk.{i}.ffn_gate{behind}.weight", [.. experts, shape.Intermediate, shape.Hidden], false);
            yield return ($"blk.{i}.ffn_up{behind}.weight", [.. experts, shape.Intermediate, shape.Hidden], false);
            yield return ($"blk.{i}.ffn_down{behind}.weight", [.. experts, shape.Hidden, shape.Intermediate], false);
        }
    }

    private static IEnumerable<(string Key, object Value)> Settings(Shape shape)
    {
        string name = shape.Experts > 0 ? "qwen3moe" : "llama";
        yield return ("general.architecture", name);
        yield return ("general.name", shape.Name);
        yield return ("tokenizer.ggml.model", "no_vocab");
        yield return ($"{name}.vocab_size", shape.Vocabulary);
        yield return ($"{name}.context_length", 8192);
        yield return ($"{name}.embedding_length", shape.Hidden);
        yield return ($"{name}.block_count", shape.Layers);
        yield return ($"{name}.feed_forward_length", shape.Intermediate);
        yield return ($"{name}.attention.head_count", shape.Heads);
        yield return ($"{name}.attention.head_count_kv", shape.KeyValueHeads);
        yield return ($"{name}.attention.key_length", shape.HeadDim);
        yield return ($"{name}.attention.value_length", shape.HeadDim);
        yield return ($"{name}.attention.layer_norm_rms_epsilon", 1e-5f);
        yield return ($"{name}.rope.dimension_count", shape.HeadDim);
        yield return ($"{name}.rope.freq_base", 10000f);
        if (shape.Experts > 0)
        {
            yield return ($"{name}.expert_count", shape.Experts);
            yield return ($"{name}.expert_used_count", shape.Chosen);
            yield return ($"{name}.expert_feed_forward_length", shape.Intermediate);
        }
    }
}
