using System.Collections.Immutable;
using System.Runtime.InteropServices;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Models;
using SLoRA.Models.Blocks;

namespace SLoRA.Core.Tests.Adapters.Intake;

/// <summary>Factors of two experts of rank 1 over one parameter, in both orders in which PEFT has written them.</summary>
internal sealed class FusedTensorsTests
{
    private const string Module = "model.layers.0.mlp.experts";

    [Test]
    public void Shapes_say_which_way_round_factors_lie()
    {
        // A of expert e is row e of the first tensor, B its column e of the second.
        Assert.That(Read("0.21.0", inputs: 3, outputs: 2, first: [1, 2, 3, 4, 5, 6], second: [10, 20, 30, 40]), Is.EqualTo((string[])
        [
            "A 1 2 3 B 10 30", "A 4 5 6 B 20 40",
        ]));

        // The other way round the first tensor is on the side of the outputs, whatever the version says.
        Assert.That(Read("0.21.0", inputs: 2, outputs: 3, first: [1, 2, 3, 4, 5, 6], second: [10, 20, 30, 40]), Is.EqualTo((string[])
        [
            "A 10 30 B 1 2 3", "A 20 40 B 4 5 6",
        ]));
    }

    [TestCase("0.18.1", ExpertOrder.OutputsFirst, true)]
    [TestCase("0.19.0", ExpertOrder.OutputsFirst, true)]
    [TestCase("0.19.1", ExpertOrder.OutputsFirst, false)]
    [TestCase("0.18.1", ExpertOrder.InputsFirst, false)]
    [TestCase("0.19.1", ExpertOrder.InputsFirst, true)]
    [TestCase("0.18.1", ExpertOrder.MarkedInputsFirst, false)]
    [TestCase("0.19.0", ExpertOrder.MarkedInputsFirst, true)]
    [TestCase("0.21.0", ExpertOrder.MarkedInputsFirst, false)]
    public void Where_both_fit_the_version_decides(string version, ExpertOrder order, bool isSwapped) =>
        Assert.That(
            Read(version, inputs: 2, outputs: 2, first: [1, 2, 3, 4], second: [10, 20, 30, 40], order)[0],
            Is.EqualTo(isSwapped ? "A 10 30 B 1 2" : "A 1 2 B 10 30"));

    [Test]
    public void Where_both_fit_and_no_version_is_given_the_adapter_is_ambiguous()
    {
        AdapterLoadException error = Assert.Throws<AdapterLoadException>(
            () => Read(null, inputs: 2, outputs: 2, first: [1, 2, 3, 4], second: [10, 20, 30, 40]))!;
        Assert.That(error.Message, Does.Contain("peft_version").And.Contain("ambiguous"));
    }

    private static string[] Read(
        string? version, int inputs, int outputs, float[] first, float[] second, ExpertOrder order = ExpertOrder.OutputsFirst)
    {
        string stated = version is null ? "" : $"\"peft_version\":\"{version}\",";
        var tensors = new AdapterTensors(
            $$"""{"peft_type":"LORA",{{stated}}"r":1,"lora_alpha":1,"target_parameters":["experts.gate_up_proj"]}""");
        tensors.Add($"base_model.model.{Module}.lora_A.weight", first, 2, first.Length / 2);
        tensors.Add($"base_model.model.{Module}.lora_B.weight", second, second.Length / 2, 2);
        var parameter = new ExpertParameter(Module, null, "gate_up_proj", 0, 2, inputs, outputs, order);
        ImmutableArray<TargetModule> targets =
        [
            .. Enumerable.Range(0, 2).Select(expert => new TargetModule
            {
                Index = expert,
                Name = $"{Module}.{expert}.gate_up_proj",
                Kind = TargetKind.FusedExpert,
                Layer = 0,
                InFeatures = inputs,
                OutFeatures = outputs,
                Parameter = parameter,
            }),
        ];
        using AdapterContent content =
            AdapterContent.Load(AdapterDescription.Read(tensors.ToPackage("tenant"), targets), _ => default);
        return [.. content.Modules.Select(module => $"A {Text(module.A)} B {Text(module.B)}")];
    }

    private static string Text(WeightMatrix matrix) =>
        string.Join(' ', MemoryMarshal.Cast<byte, float>(matrix.Bytes).ToArray());
}
