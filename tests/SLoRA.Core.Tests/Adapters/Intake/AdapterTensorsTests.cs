using System.Collections.Immutable;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Adapters.Intake;

internal sealed class AdapterTensorsTests
{
    private const string A = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
    private const string B = "model.layers.0.self_attn.q_proj.lora_B.weight";
    private static readonly ImmutableArray<TargetModule> Targets = TestAdapter.Model(1, 3, 2);

    private static AdapterSettings Settings => new() { Rank = 2, Alpha = 3, TargetModules = ["q_proj"] };

    [Test]
    public void Tensors_of_all_three_types_make_an_adapter_and_are_copied()
    {
        var tensors = new AdapterTensors(Settings with { UseRsLora = true });
        Half[] a = [(Half)1, (Half)2, (Half)3, (Half)4, (Half)5, (Half)6];
        tensors.Add(A, a, 2, 3);
        tensors.AddBFloat16(B, [0x3F80, 0x4000, 0x4040, 0x4080], 2, 2);
        AdapterPackage package = tensors.ToPackage("tenant");
        a[0] = Half.NaN;
        using AdapterContent content = AdapterContent.Load(AdapterDescription.Read(package, Targets), _ => default);
        AdapterContentModule module = content.Modules.Single();
        Assert.Multiple(() =>
        {
            Assert.That(module.Scale, Is.EqualTo((float)(3 / Math.Sqrt(2))));
            Assert.That(module.A.Type, Is.EqualTo(TensorType.F16));
            Assert.That(module.A.Bytes.ToArray(), Is.EqualTo(TestAdapter.Bytes(TensorType.F16, [1, 2, 3, 4, 5, 6])));
            Assert.That(module.B.Bytes.ToArray(), Is.EqualTo(TestAdapter.Bytes(TensorType.BF16, [1, 2, 3, 4])));
            Assert.That(content.Description.Coverage.Bytes, Is.EqualTo(20));
        });
    }

    [Test]
    public void What_is_added_after_registration_is_not_part_of_it()
    {
        AdapterTensors tensors = Complete();
        AdapterPackage package = tensors.ToPackage("tenant");
        tensors.Add("stray", [1f], 1);
        Assert.DoesNotThrow(() => AdapterDescription.Read(package, Targets));
        Assert.Throws<AdapterLoadException>(() => AdapterDescription.Read(tensors.ToPackage("tenant"), Targets));
    }

    [Test]
    public void Settings_and_a_configuration_that_say_the_same_are_the_same_generation()
    {
        var other = new AdapterTensors("""{"peft_type":"LORA","r":2,"lora_alpha":3.0,"target_modules":["self_attn.q_proj"]}""");
        Fill(other);
        Assert.That(Id(other), Is.EqualTo(Id(Complete())));
    }

    [Test]
    public void Errors_are_those_of_folders()
    {
        var tensors = new AdapterTensors("{");
        var error = Assert.Throws<AdapterLoadException>(() => AdapterDescription.Read(tensors.ToPackage("tenant"), Targets))!;
        Assert.That((error.Code, error.Adapter), Is.EqualTo(("adapter.config", "tenant")));
        tensors = new AdapterTensors(Settings);
        error = Assert.Throws<AdapterLoadException>(() => AdapterDescription.Read(tensors.ToPackage("tenant"), Targets))!;
        Assert.That(error.Code, Is.EqualTo("adapter.tensor"));
        Fill(tensors, value: float.NaN);
        AdapterDescription description = AdapterDescription.Read(tensors.ToPackage("tenant"), Targets);
        error = Assert.Throws<AdapterLoadException>(() => AdapterContent.Load(description, _ => default))!;
        Assert.That((error.Code, error.Subject), Is.EqualTo(("adapter.tensor", A)));
    }

    [Test]
    public void Wrong_arguments_are_refused_at_once()
    {
        var tensors = new AdapterTensors(Settings);
        tensors.Add("x", [1f, 2f], 1, 2);
        Assert.Multiple(() =>
        {
            Assert.Throws<ArgumentException>(() => tensors.Add("x", [1f], 1), "twice");
            Assert.Throws<ArgumentException>(() => tensors.Add("y", [1f, 2f], 3));
            Assert.Throws<ArgumentException>(
                () => tensors.Add("y", [1f], int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue));
            Assert.Throws<ArgumentOutOfRangeException>(() => tensors.Add("y", [1f], -1, -1));
            Assert.Throws<ArgumentNullException>(() => tensors.Add(null!, [1f], 1));
            Assert.Throws<ArgumentNullException>(() => _ = new AdapterTensors((string)null!));
            Assert.Throws<ArgumentNullException>(() => _ = new AdapterTensors((AdapterSettings)null!));
            Assert.Throws<ArgumentOutOfRangeException>(() => _ = new AdapterTensors(Settings with { Rank = 0 }));
            Assert.Throws<ArgumentOutOfRangeException>(() => _ = new AdapterTensors(Settings with { Alpha = double.NaN }));
            Assert.Throws<ArgumentException>(() => _ = new AdapterTensors(Settings with { TargetModules = [] }));
        });
    }

    private static AdapterTensors Complete()
    {
        var tensors = new AdapterTensors(Settings);
        Fill(tensors);
        return tensors;
    }

    private static void Fill(AdapterTensors tensors, float value = 1)
    {
        tensors.Add(A, [value, 2, 3, 4, 5, 6], 2, 3);
        tensors.Add(B, [1f, 2, 3, 4], 2, 2);
    }

    private static GenerationId Id(AdapterTensors tensors)
    {
        using AdapterContent content = AdapterContent.Load(AdapterDescription.Read(tensors.ToPackage("tenant"), Targets), _ => default);
        return content.Id;
    }
}
