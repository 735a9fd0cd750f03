using System.Runtime.InteropServices;
using System.Text.Json;
using SLoRA.Tests;

namespace SLoRA.Fidelity.Tests;

/// <summary>
/// Adapters of PEFT on the matrices of all experts, written as mlx-lm would have them: the same function, so the same answers are expected.
/// </summary>
/// <param name="Around">What MLX calls the module around the matrices, within its layer.</param>
/// <param name="Parts">What it calls those of the first parameter, one or two, and that of the second.</param>
/// <param name="AreInTurn">Whether the rows of the first two alternate in the parameter.</param>
internal sealed record MlxExperts(string Around, string[] Parts, bool AreInTurn = false)
{
    private static readonly string[] Gated = ["gate_proj", "up_proj", "down_proj"];

    /// <summary>By the model's type, as mlx-lm's definition of that model names them.</summary>
    private static readonly Dictionary<string, MlxExperts> Models = new()
    {
        ["llama4_text"] = new("feed_forward.experts", Gated),
        ["gpt_oss"] = new("mlp.experts", Gated, AreInTurn: true),
        ["nemotron_h"] = new("mixer.switch_mlp", ["fc1", "fc2"]),
        ["granitemoehybrid"] = new("block_sparse_moe.switch_mlp", Gated),
        ["mixtral"] = new("block_sparse_moe.switch_mlp", Gated),
        ["minimax_m2"] = new("block_sparse_moe.switch_mlp", Gated),
        ["lfm2_moe"] = new("feed_forward.switch_mlp", Gated),
        ["gemma4_text"] = new("experts.switch_glu", Gated),
    };

    /// <summary>Writes an adapter with factors of experts for a model.</summary>
    /// <param name="model">The model's folder.</param>
    /// <param name="peft">The adapter's.</param>
    /// <param name="folder">Where to.</param>
    public static void Write(string model, string peft, string folder)
    {
        JsonElement config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(model, "config.json"))).RootElement;
        config = config.TryGetProperty("text_config", out JsonElement text) ? text : config;
        MlxExperts experts = Models.GetValueOrDefault(config.GetProperty("model_type").GetString()!, new("mlp.switch_mlp", Gated));
        MlxFolder plain = MlxFolder.Of(peft);
        experts.Spread(plain, Path.Combine(peft, "adapter_model.safetensors"), config.GetProperty("hidden_size").GetInt32());
        plain.Write(folder);
    }

    private void Spread(MlxFolder mlx, string file, int hidden)
    {
        const string First = ".experts.base_layer.lora_a", Second = ".experts.lora_a";
        int rank = (int)mlx.Parameters["rank"]!;
        var tensors = new TensorFile(file);
        string[] names = [.. mlx.Tensors.Select(tensor => tensor.Name)];
        mlx.Tensors.RemoveAll(tensor => tensor.Name.Contains(".experts.", StringComparison.Ordinal));
        foreach (string name in names)
        {
            if (name.EndsWith(First, StringComparison.Ordinal))
            {
                Add(name, Parts[..^1], isInputHidden: true);
            }
            else if (name.EndsWith(Second, StringComparison.Ordinal))
            {
                Add(name, Parts[^1..], isInputHidden: false);
            }
        }

        void Add(string name, string[] parts, bool isInputHidden)
        {
            string stored = "base_model.model." + name[..^".lora_a".Length];
            float[] first = tensors.Floats(stored + ".lora_A.weight"), second = tensors.Floats(stored + ".lora_B.weight");
            string layer = name[..(name.IndexOf(".layers.", StringComparison.Ordinal) + ".layers.".Length)];
            layer += name[layer.Length..(name.IndexOf('.', layer.Length) + 1)];
            int experts = tensors.Rows(stored + ".lora_A.weight") / rank;
            int width = first.Length / (experts * rank), height = second.Length / (experts * rank);
            // Some versions have the factors the other way round.
            bool isUsual = (width == hidden) == isInputHidden;
            (int inputs, int outputs) = isUsual ? (width, height) : (height, width);
            float A(int e, int k, int i) => isUsual ? first[(((e * rank) + k) * width) + i] : second[(((i * rank) + k) * experts) + e];
            float B(int e, int o, int k) => isUsual ? second[(((o * rank) + k) * experts) + e] : first[(((e * rank) + k) * width) + o];
            int each = outputs / parts.Length;
            for (int part = 0; part < parts.Length; part++)
            {
                int Row(int o) => AreInTurn && parts.Length == 2 ? (2 * o) + part : (part * each) + o;
                string module = $"{layer}{Around}.{parts[part]}";
                mlx.Tensors.Add((module + ".lora_a", "F32", [experts, rank, inputs], Bytes(
                    from e in Enumerable.Range(0, experts)
                    from k in Enumerable.Range(0, rank)
                    from i in Enumerable.Range(0, inputs)
                    select A(e, k, i))));
                mlx.Tensors.Add((module + ".lora_b", "F32", [experts, each, rank], Bytes(
                    from e in Enumerable.Range(0, experts)
                    from o in Enumerable.Range(0, each)
                    from k in Enumerable.Range(0, rank)
                    select B(e, Row(o), k))));
            }
        }
    }

    private static byte[] Bytes(IEnumerable<float> values) => MemoryMarshal.AsBytes<float>(values.ToArray()).ToArray();
}
