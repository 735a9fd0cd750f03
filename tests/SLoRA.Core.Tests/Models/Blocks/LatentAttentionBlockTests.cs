using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Reference;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Core.Tests.Engine;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Models.Blocks;

/// <summary>
/// The absorbed form, which the block runs in, against the expanded one, which makes keys and values of every head and position:
/// <c>k = (W + s B A) c</c>. The latter is computed here, in double, from the same queries and latents and the weights of the files.
/// </summary>
internal sealed class LatentAttentionBlockTests
{
    private const string Model = "later-glm4-moe-lite";
    private const int Rows = 70;

    /// <summary>Of the largest number that attention gives: rounding in sums of some dozens of fp32 numbers.</summary>
    private const double Bound = 1e-5;

    [Test]
    public void Both_forms_of_attention_over_latents_agree(
        [Values(null, "mla-r8", "later-all-linear-r4")] string? adapter, [Values] bool onReference)
    {
        LatentRecord? record = null;
        using var engine = new SteppedEngine(builder =>
        {
            builder.UseModel(RepositoryFolder.Fixture(Model, "model"))
                .ConfigurePool(pool => (pool.CacheType, pool.AdapterWeights) = (CacheType.Float32, AdapterWeightType.AsStored))
                .UseBackend((rows, outputs) => record = new LatentRecord(
                    onReference ? new ReferenceBackend(rows, outputs) : new CpuBackend(rows, outputs, threads: 2)));
            if (adapter is not null)
            {
                builder.AddAdapter("a", RepositoryFolder.Fixture(Model, "adapters", adapter));
            }
        });
        engine.Finish(engine.Ask(new GenerationRequest
        {
            Prompt = Enumerable.Range(0, Rows).Select(i => (i * 37 % 120) + 5).ToArray(),
            Adapter = adapter is null ? null : "a",
            MaxTokens = 1,
            IgnoreEndOfText = true,
        }));

        Assert.That(record!.Layers, Has.Count.EqualTo(3));
        for (int layer = 0; layer < record.Layers.Count; layer++)
        {
            LatentLayer found = record.Layers[layer];
            double[][] expected = Expanded(found, Weight(layer, adapter));
            double largest = expected.SelectMany(row => row).Max(Math.Abs);
            for (int row = 0; row < Rows; row++)
            {
                Assert.That(found.Attended[row], Is.EqualTo(expected[row]).Within(Bound * largest), $"layer {layer}, row {row}");
            }
        }
    }

    /// <summary>kv_b_proj with what the adapter adds to it, <c>[H (plain + value), R]</c>.</summary>
    private static double[,] Weight(int layer, string? adapter)
    {
        string name = $"model.layers.{layer}.self_attn.kv_b_proj";
        double[,] weight = Read(RepositoryFolder.Fixture(Model, "model", "model.safetensors"), name + ".weight");
        if (adapter is null)
        {
            return weight;
        }

        string folder = RepositoryFolder.Fixture(Model, "adapters", adapter);
        string file = Path.Combine(folder, "adapter_model.safetensors");
        double[,] a = Read(file, $"base_model.model.{name}.lora_A.weight"), b = Read(file, $"base_model.model.{name}.lora_B.weight");
        using var config = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "adapter_config.json")));
        double scale = config.RootElement.GetProperty("lora_alpha").GetDouble() / config.RootElement.GetProperty("r").GetInt32();
        for (int i = 0; i < weight.GetLength(0); i++)
        {
            for (int j = 0; j < weight.GetLength(1); j++)
            {
                weight[i, j] += scale * Enumerable.Range(0, a.GetLength(0)).Sum(k => b[i, k] * a[k, j]);
            }
        }

        return weight;
    }

    private static double[][] Expanded(LatentLayer layer, double[,] weight)
    {
        LatentAttention shape = layer.Shape;
        int head = shape.Plain + shape.Value;
        double[][] made = [.. layer.Kept.Select(kept => Enumerable.Range(0, shape.Heads * head)
            .Select(i => Enumerable.Range(0, shape.Latent).Sum(j => weight[i, j] * kept[j])).ToArray())];
        return [.. Enumerable.Range(0, Rows).Select(row => Enumerable.Range(0, shape.Heads).SelectMany(h => Attend(row, h)).ToArray())];

        double[] Attend(int row, int h)
        {
            ReadOnlySpan<float> q = layer.Queries[row].AsSpan(h * shape.QueryColumns, shape.QueryColumns);
            var scores = new double[row + 1];
            for (int position = 0; position <= row; position++)
            {
                for (int i = 0; i < shape.QueryColumns; i++)
                {
                    scores[position] += q[i] * (i < shape.Plain
                        ? made[position][(h * head) + i]
                        : layer.Kept[position][shape.Latent + i - shape.Plain]);
                }

                scores[position] *= shape.ScoreScale;
            }

            double[] weights = [.. scores.Select(score => Math.Exp(score - scores.Max()))];
            return
            [
                .. Enumerable.Range(0, shape.Value).Select(i => Enumerable.Range(0, row + 1)
                    .Sum(position => weights[position] * made[position][(h * head) + shape.Plain + i]) / weights.Sum()),
            ];
        }
    }

    private static unsafe double[,] Read(string path, string name)
    {
        byte[] file = File.ReadAllBytes(path);
        TensorEntry tensor = SafetensorsWriter.Read(file).Tensors.Single(tensor => tensor.Name == name);
        var values = new double[tensor.Shape[0], tensor.Shape[1]];
        fixed (byte* data = file.AsSpan((int)tensor.Begin))
        {
            for (int i = 0; i < values.Length; i++)
            {
                values[i / values.GetLength(1), i % values.GetLength(1)] = Elements.Read(tensor.Type, data, i);
            }
        }

        return values;
    }

    /// <summary>What one layer's attention had and gave in a step.</summary>
    private sealed record LatentLayer(LatentAttention Shape, float[][] Queries, float[][] Kept)
    {
        public float[][] Attended { get; set; } = [];
    }

    /// <summary>Notes queries and latents, rotated, and what becomes of them.</summary>
    private sealed class LatentRecord(IBackend inner) : ForwardingBackend(inner)
    {
        public List<LatentLayer> Layers { get; } = [];

        public override void RotateAndStoreLatent(
            DeviceRows q, DeviceRows kv, int layer, LatentAttention attention, DeviceRope rope)
        {
            base.RotateAndStoreLatent(q, kv, layer, attention, rope);
            Layers.Add(new LatentLayer(attention, Copy(q), Copy(kv)));
        }

        public override void PutHeads(DeviceRows x, DeviceRoutes routes, DeviceRows y)
        {
            base.PutHeads(x, routes, y);
            Layers[^1].Attended = Copy(y);
        }

        private static float[][] Copy(DeviceRows rows) => [.. Enumerable.Range(0, Rows).Select(row => Twin.Read(rows, row))];
    }
}
