using System.Buffers.Binary;
using System.Text.Json;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>
/// A Hugging Face folder of a Llama, or of a Qwen 3 with experts, with random weights, in the temporary folder until disposed. Written as a
/// stream: it is never in memory.
/// </summary>
internal sealed class RandomModelFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("slora-bench-");

    /// <summary>Writes the folder.</summary>
    public RandomModelFolder(Shape shape, TensorType type)
    {
        try
        {
            File.WriteAllBytes(System.IO.Path.Combine(Path, "config.json"), Config(shape, type));
            WriteWeights(System.IO.Path.Combine(Path, "model.safetensors"), [.. Tensors(shape)], type);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Where it is.</summary>
    public string Path => _folder.FullName;

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);

    private static byte[] Config(Shape shape, TensorType type)
    {
        var config = new Dictionary<string, object>
        {
            ["architectures"] = new[] { shape.Experts > 0 ? "Qwen3MoeForCausalLM" : "LlamaForCausalLM" },
            ["model_type"] = shape.Experts > 0 ? "qwen3_moe" : "llama",
            ["vocab_size"] = shape.Vocabulary,
            ["hidden_size"] = shape.Hidden,
            ["intermediate_size"] = shape.Intermediate,
            ["num_hidden_layers"] = shape.Layers,
            ["num_attention_heads"] = shape.Heads,
            ["num_key_value_heads"] = shape.KeyValueHeads,
            ["head_dim"] = shape.HeadDim,
            ["hidden_act"] = "silu",
            ["max_position_embeddings"] = 8192,
            ["rms_norm_eps"] = 1e-5,
            ["rope_theta"] = 10000.0,
            ["attention_bias"] = false,
            ["mlp_bias"] = false,
            ["tie_word_embeddings"] = true,
            ["eos_token_id"] = 2,
            ["torch_dtype"] = type switch { TensorType.F32 => "float32", TensorType.F16 => "float16", _ => "bfloat16" },
        };
        if (shape.Experts > 0)
        {
            config.Add("num_experts", shape.Experts);
            config.Add("num_experts_per_tok", shape.Chosen);
            config.Add("moe_intermediate_size", shape.Intermediate);
            config.Add("norm_topk_prob", true);
        }

        return JsonSerializer.SerializeToUtf8Bytes(config);
    }

    private static IEnumerable<(string Name, int[] Shape)> Tensors(Shape shape)
    {
        int queries = shape.Heads * shape.HeadDim;
        int keys = shape.KeyValueHeads * shape.HeadDim;
        yield return ("model.embed_tokens.weight", [shape.Vocabulary, shape.Hidden]);
        for (int i = 0; i < shape.Layers; i++)
        {
            yield return ($"model.layers.{i}.input_layernorm.weight", [shape.Hidden]);
            yield return ($"model.layers.{i}.self_attn.q_proj.weight", [queries, shape.Hidden]);
            yield return ($"model.layers.{i}.self_attn.k_proj.weight", [keys, shape.Hidden]);
            yield return ($"model.layers.{i}.self_attn.v_proj.weight", [keys, shape.Hidden]);
            yield return ($"model.layers.{i}.self_attn.o_proj.weight", [shape.Hidden, queries]);
            yield return ($"model.layers.{i}.post_attention_layernorm.weight", [shape.Hidden]);
            if (shape.Experts > 0)
            {
                yield return ($"model.layers.{i}.self_attn.q_norm.weight", [shape.HeadDim]);
                yield return ($"model.layers.{i}.self_attn.k_norm.weight", [shape.HeadDim]);
                yield return ($"model.layers.{i}.mlp.gate.weight", [shape.Experts, shape.Hidden]);
            }

            for (int expert = 0; expert < Math.Max(shape.Experts, 1); expert++)
            {
                string mlp = shape.Experts > 0 ? $"model.layers.{i}.mlp.experts.{expert}" : $"model.layers.{i}.mlp";
                yield return ($"{mlp}.gate_proj.weight", [shape.Intermediate, shape.Hidden]);
                yield return ($"{mlp}.up_proj.weight", [shape.Intermediate, shape.Hidden]);
                yield return ($"{mlp}.down_proj.weight", [shape.Hidden, shape.Intermediate]);
            }
        }

        yield return ("model.norm.weight", [shape.Hidden]);
    }

    private static void WriteWeights(string file, (string Name, int[] Shape)[] tensors, TensorType type)
    {
        long Bytes(int[] shape) => shape.Aggregate(1L, (product, size) => product * size) * type.ElementSize();

        long end = 0;
        var header = new Dictionary<string, object>();
        foreach ((string name, int[] shape) in tensors)
        {
            header.Add(name, new { dtype = type.ToString(), shape, data_offsets = new[] { end, end + Bytes(shape) } });
            end += Bytes(shape);
        }

        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        byte[] length = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)json.Length);
        using FileStream stream = File.Create(file);
        stream.Write(length);
        stream.Write(json);
        var elements = new RandomElements(type, seed: 1);
        foreach ((string _, int[] shape) in tensors)
        {
            elements.Write(stream, Bytes(shape));
        }
    }
}
