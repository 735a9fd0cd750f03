using NUnit.Framework;
using SLoRA.Backends.Reference;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Models.Blocks;

/// <summary>A decoder of blocks that keep states, against the formulas in double precision, without an engine.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class AverageBlockTests
{
    private const int Hidden = 32;

    private static readonly AverageBlock[] Blocks =
    [
        new() { HiddenSize = Hidden, Parts = 5, PartAverages = 2 },
        new() { HiddenSize = Hidden, Parts = 1, PartAverages = 4 },
    ];

    private static readonly DecoderDescription Description = new()
    {
        Architecture = "test",
        VocabularySize = 19,
        HiddenSize = Hidden,
        ContextLength = 16,
        FinalNorm = new NormModule("norm", Hidden, 1e-5f),
        TiedEmbeddings = false,
        WeightType = TensorType.F32,
        Layers = [.. Blocks.Select(block => new LayerDescription(new Branch(new NormModule("norm", Hidden, 1e-5f), block)))],
        EndOfSequence = [],
    };

    [Test]
    public void What_blocks_keep_is_told_in_the_order_of_the_layers()
    {
        Assert.That(Description.Kept, Has.Length.EqualTo(2));
        Assert.That(
            Description.Kept.SelectMany(kept => kept.PerSequence),
            Is.EqualTo(new StateShape[] { new(5, 64), new(2, 32), new(1, 128), new(2, 32) }));
        Assert.That(Description.Kept.Select(kept => kept.PerToken), Is.All.Null);
    }

    /// <summary>Two sequences in one step each, in chunks of any size, over pages full of what others have left.</summary>
    [TestCase(9)]
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(4)]
    public void Logits_are_those_of_the_formulas_whatever_was_in_the_pages(int chunk)
    {
        // 5 × 256 + 512 + 4 × 128 bytes, in pages of 1024: three.
        KvLayout layout = KvLayout.For(Description.Kept, TensorType.F32, 16);
        Assert.That((layout.PageBytes, layout.StatePages), Is.EqualTo((1024L, 3)));
        using var backend = new StateBackend(new ReferenceBackend(18, 18));
        backend.AllocatePages(layout, 8);
        for (int page = 0; page < 8; page++)
        {
            backend.Pages.Write(page, 0, Enumerable.Repeat((byte)0x41, 1024).ToArray());
        }

        using var weights = new NamedWeights(DecoderModules.Of(Description));
        LoadedDecoder loaded =
            DecoderLoader.Load(Description, DecoderModules.Of(Description), weights.Source, backend, static _ => { });
        var decoder = new Decoder(Description, loaded, backend);
        int[][] tokens = [[3, 1, 4, 1, 5, 9, 2, 6, 5], [2, 7, 1, 8, 2, 8, 1, 8, 2]];
        double[][][] expected = [.. tokens.Select(sequence => Expected(weights, sequence))];
        var plan = new StepPlan(18, 18);
        for (int first = 0; first < 9; first += chunk)
        {
            int count = Math.Min(chunk, 9 - first);
            plan.Clear();
            plan.AddSlice(tokens[0].AsSpan(first, count), first, [0], count, [5, 1, 3]);
            plan.AddSlice(tokens[1].AsSpan(first, count), first, [2], count, [4, 6, 7]);
            decoder.Run(plan);
            for (int output = 0; output < plan.OutputCount; output++)
            {
                Assert.That(
                    decoder.Logits(output).ToArray(),
                    Is.EqualTo(expected[output / count][first + (output % count)]).Within(1e-4f), $"{first}, output {output}");
            }
        }
    }

    /// <summary>The formulas, without any of the code under test.</summary>
    private static double[][] Expected(NamedWeights weights, int[] tokens)
    {
        double[][] hidden = [.. tokens.Select(token => weights.Row("model.embed_tokens.weight", token))];
        for (int layer = 0; layer < Blocks.Length; layer++)
        {
            double[][] x = [.. hidden.Select(row => Norm(row, weights.Row($"model.layers.{layer}.norm.weight", 0)))];
            int count = Blocks[layer].Parts * Blocks[layer].PartAverages;
            hidden = [.. hidden.Select((row, t) => row.Select((value, i) =>
            {
                double averages = 0;
                for (int k = 0; k < count; k++)
                {
                    double decay = 1 - (1 / (2.0 + k));
                    averages += Enumerable.Range(0, t + 1).Sum(u => Math.Pow(decay, t - u) * (1 - decay) * x[u][i]);
                }

                return value + (averages / count) + (t > 0 ? x[t - 1][i] / 2 : 0) - (t > 1 ? x[t - 2][i] / 4 : 0);
            }).ToArray())];
        }

        return [.. hidden.Select(row => Norm(row, weights.Row("model.norm.weight", 0))).Select(row =>
            Enumerable.Range(0, 19).Select(token => weights.Row("lm_head.weight", token).Zip(row, (w, v) => w * v).Sum()).ToArray())];
    }

    private static double[] Norm(double[] x, double[] weight)
    {
        double scale = 1 / Math.Sqrt((x.Sum(value => value * value) / x.Length) + 1e-5);
        return [.. x.Zip(weight, (value, w) => value * scale * w)];
    }
}
