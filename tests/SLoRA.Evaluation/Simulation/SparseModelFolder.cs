using System.Buffers.Binary;
using System.Text.Json;

namespace SLoRA.Evaluation.Simulation;

/// <summary>
/// A model folder whose tensor file is a header and a hole: enough for an engine whose device looks at no weight. With adapter folders of
/// the same kind, one per rank. In the temporary folder until disposed.
/// </summary>
internal sealed class SparseModelFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("slora-sparse-");
    private readonly Shape _shape;

    /// <summary>Writes the model.</summary>
    public SparseModelFolder(Shape shape)
    {
        _shape = shape;
        File.WriteAllBytes(Path.Combine(ModelPath, "config.json"), JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
        {
            ["architectures"] = new[] { "LlamaForCausalLM" },
            ["model_type"] = "llama",
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
            ["torch_dtype"] = "bfloat16",
        }));
        Write(Path.Combine(ModelPath, "model.safetensors"), Weights());
    }

    /// <summary>Where the model is.</summary>
    public string ModelPath => _folder.FullName;

    /// <summary>The folder of an adapter of a rank on q, k, v and o.</summary>
    public string AdapterPath(int rank)
    {
        string folder = Path.Combine(_folder.FullName, $"rank-{rank}");
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
            File.WriteAllBytes(Path.Combine(folder, "adapter_config.json"), JsonSerializer.SerializeToUtf8Bytes(
                new Dictionary<string, object>
                {
                    ["peft_type"] = "LORA",
                    ["r"] = rank,
                    ["lora_alpha"] = 2 * rank,
                    ["target_modules"] = new[] { "q_proj", "k_proj", "v_proj", "o_proj" },
                }));
            Write(Path.Combine(folder, "adapter_model.safetensors"), AdapterWeights(rank));
        }

        return folder;
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);

    private IEnumerable<(string Name, int[] Shape)> Weights()
    {
        int queries = _shape.Heads * _shape.HeadDim;
        int keys = _shape.KeyValueHeads * _shape.HeadDim;
        yield return ("model.embed_tokens.weight", [_shape.Vocabulary, _shape.Hidden]);
        for (int i = 0; i < _shape.Layers; i++)
        {
            yield return ($"model.layers.{i}.input_layernorm.weight", [_shape.Hidden]);
            yield return ($"model.layers.{i}.self_attn.q_proj.weight", [queries, _shape.Hidden]);
            yield return ($"model.layers.{i}.self_attn.k_proj.weight", [keys, _shape.Hidden]);
            yield return ($"model.layers.{i}.self_attn.v_proj.weight", [keys, _shape.Hidden]);
            yield return ($"model.layers.{i}.self_attn.o_proj.weight", [_shape.Hidden, queries]);
            yield return ($"model.layers.{i}.post_attention_layernorm.weight", [_shape.Hidden]);
            yield return ($"model.layers.{i}.mlp.gate_proj.weight", [_shape.Intermediate, _shape.Hidden]);
            yield return ($"model.layers.{i}.mlp.up_proj.weight", [_shape.Intermediate, _shape.Hidden]);
            yield return ($"model.layers.{i}.mlp.down_proj.weight", [_shape.Hidden, _shape.Intermediate]);
        }

        yield return ("model.norm.weight", [_shape.Hidden]);
    }

    private IEnumerable<(string Name, int[] Shape)> AdapterWeights(int rank)
    {
        int queries = _shape.Heads * _shape.HeadDim;
        int keys = _shape.KeyValueHeads * _shape.HeadDim;
        (string Module, int Inputs, int Outputs)[] modules =
        [
            ("q_proj", _shape.Hidden, queries), ("k_proj", _shape.Hidden, keys), ("v_proj", _shape.Hidden, keys),
            ("o_proj", queries, _shape.Hidden),
        ];
        for (int i = 0; i < _shape.Layers; i++)
        {
            foreach ((string module, int inputs, int outputs) in modules)
            {
                string name = $"base_model.model.model.layers.{i}.self_attn.{module}";
                yield return ($"{name}.lora_A.weight", [rank, inputs]);
                yield return ($"{name}.lora_B.weight", [outputs, rank]);
            }
        }
    }

    private static void Write(string file, IEnumerable<(string Name, int[] Shape)> tensors)
    {
        long end = 0;
        var header = new Dictionary<string, object>();
        foreach ((string name, int[] shape) in tensors)
        {
            long bytes = shape.Aggregate((long)sizeof(ushort), (product, size) => product * size);
            header.Add(name, new { dtype = "BF16", shape, data_offsets = new[] { end, end + bytes } });
            end += bytes;
        }

        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        byte[] length = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)json.Length);
        using FileStream stream = File.Create(file);
        stream.Write(length);
        stream.Write(json);
        stream.SetLength(stream.Position + end);
    }
}
