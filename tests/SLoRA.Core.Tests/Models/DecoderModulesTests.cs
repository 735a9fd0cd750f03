using NUnit.Framework;
using SLoRA.Formats.HuggingFace;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Models.Families;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Models;

internal sealed class DecoderModulesTests
{
    [Test]
    public void Targets_come_in_one_order_with_their_sizes()
    {
        DecoderDescription decoder =
            DecoderFamilies.Describe(ModelFolder.Open(Path.Combine(RepositoryFolder.Fixtures, "core-qwen3", "model")).Config);
        TargetModule[] targets = [.. DecoderModules.Of(decoder).Targets];

        Assert.That(targets.Select(target => target.Index), Is.EqualTo(Enumerable.Range(0, 2 + (7 * 3))));
        Assert.That(
            targets.Skip(8).Take(7)
                .Select(target => $"{target.Name} {target.Layer} {target.Kind} {target.InFeatures} {target.OutFeatures}"),
            Is.EqualTo(new[]
            {
                "model.layers.1.self_attn.q_proj 1 Linear 64 96",
                "model.layers.1.self_attn.k_proj 1 Linear 64 48",
                "model.layers.1.self_attn.v_proj 1 Linear 64 48",
                "model.layers.1.self_attn.o_proj 1 Linear 96 64",
                "model.layers.1.mlp.gate_proj 1 Linear 64 140",
                "model.layers.1.mlp.up_proj 1 Linear 64 140",
                "model.layers.1.mlp.down_proj 1 Linear 140 64",
            }));
        Assert.That(targets[0], Is.EqualTo(new TargetModule
        {
            Index = 0,
            Name = "model.embed_tokens",
            Kind = TargetKind.Embedding,
            Layer = -1,
            InFeatures = 263,
            OutFeatures = 64,
            Partition = Partition.Outputs(Split.OfColumns(263)),
        }));
        Assert.That(targets[^1], Is.EqualTo(new TargetModule
        {
            Index = 22,
            Name = "lm_head",
            Kind = TargetKind.Head,
            Layer = -1,
            InFeatures = 64,
            OutFeatures = 263,
            Partition = Partition.Outputs(Split.OfColumns(263)),
        }));
    }
}
