using System.Collections.Immutable;
using System.Text.Json.Nodes;
using SLoRA.Adapters.Intake;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>Adapters made for a test: a configuration and named tensors of made-up values, as a folder or in memory.</summary>
internal sealed class TestAdapter
{
    public JsonObject Config { get; } =
        JsonNode.Parse("""{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["q_proj"]}""")!.AsObject();

    public List<(string Name, string Dtype, long[] Shape, byte[] Data)> Tensors { get; } = [];

    /// <summary>A and B of the given ranks for these modules, with small values that differ everywhere.</summary>
    public static TestAdapter For(
        IEnumerable<TargetModule> targets, Func<TargetModule, int> rank, Func<TargetModule, TensorType> type, int seed = 1)
    {
        var adapter = new TestAdapter();
        var random = new Random(seed);
        var names = new JsonArray();
        var ranks = new JsonObject();
        foreach (TargetModule target in targets)
        {
            names.Add(target.Name);
            int r = rank(target);
            ranks[target.Name] = r;
            bool embedding = target.Kind == TargetKind.Embedding;
            string prefix = "base_model.model." + target.Name;
            adapter.Add(prefix + (embedding ? ".lora_embedding_A" : ".lora_A.weight"), type(target), [r, target.InFeatures], random);
            adapter.Add(prefix + (embedding ? ".lora_embedding_B" : ".lora_B.weight"), type(target), [target.OutFeatures, r], random);
        }

        adapter.Config["target_modules"] = names;
        adapter.Config["rank_pattern"] = ranks;
        return adapter;
    }

    public void Add(string name, TensorType type, long[] shape, Random random)
    {
        long count = shape.Aggregate(1L, (product, dimension) => product * dimension);
        Tensors.Add((name, type.ToString(), shape,
            Bytes(type, [.. Enumerable.Range(0, (int)count).Select(_ => (random.NextSingle() - 0.5f) * 4)])));
    }

    public static unsafe byte[] Bytes(TensorType type, float[] values)
    {
        byte[] bytes = new byte[values.Length * type.ElementSize()];
        fixed (byte* data = bytes)
        {
            for (int at = 0; at < values.Length; at++)
            {
                Elements.Write(type, data, at, values[at]);
            }
        }

        return bytes;
    }

    public void Write(string folder)
    {
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), Config.ToJsonString());
        File.WriteAllBytes(Path.Combine(folder, "adapter_model.safetensors"), SafetensorsWriter.Write(Tensors));
    }

    public AdapterPackage InMemory(string name = "tenant") => new TensorPackage(
        name,
        System.Text.Encoding.UTF8.GetBytes(Config.ToJsonString()),
        [.. Tensors.Select(
            (tensor, at) => new TensorEntry(tensor.Name, Enum.Parse<TensorType>(tensor.Dtype), [.. tensor.Shape], at, tensor.Data.Length))],
        [.. Tensors.Select(tensor => tensor.Data)],
        Tensors.Sum(tensor => (long)tensor.Data.Length));

    /// <summary>Modules of a made-up model.</summary>
    public static ImmutableArray<TargetModule> Model(int layers, int inFeatures, int outFeatures, int vocabulary = 0)
    {
        var targets = ImmutableArray.CreateBuilder<TargetModule>();
        if (vocabulary > 0)
        {
            targets.Add(new TargetModule
            {
                Index = 0,
                Name = "model.embed_tokens",
                Kind = TargetKind.Embedding,
                Layer = -1,
                InFeatures = vocabulary,
                OutFeatures = inFeatures
            });
        }

        for (int layer = 0; layer < layers; layer++)
        {
            foreach (string name in (string[])["q_proj", "v_proj"])
            {
                targets.Add(new TargetModule
                {
                    Index = targets.Count,
                    Name = $"model.layers.{layer}.self_attn.{name}",
                    Kind = TargetKind.Linear,
                    Layer = layer,
                    InFeatures = inFeatures,
                    OutFeatures = outFeatures,
                });
            }
        }

        return targets.ToImmutable();
    }
}
