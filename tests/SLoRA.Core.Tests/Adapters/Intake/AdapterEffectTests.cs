using System.Collections.Immutable;
using System.Runtime.InteropServices;
using NUnit.Framework;
using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Core.Tests.Engine;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Adapters.Intake;

/// <summary>Adapters of which all modules, or some, change nothing.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class AdapterEffectTests
{
    private static readonly GenerationRequest Question = new() { Prompt = new[] { 1, 2, 3, 4 }, MaxTokens = 4, IgnoreEndOfText = true };

    [TestCase("lora_A")]
    [TestCase("lora_B")]
    public void Scenario_15_an_adapter_whose_matrices_are_zero_is_refused_when_its_content_is_read(string matrix)
    {
        using var copy = new CopiedAdapter("qv");
        copy.Clear(name => name.Contains(matrix, StringComparison.Ordinal));
        using var engine = new SteppedEngine();
        var error = Assert.Throws<AdapterLoadException>(
            () => engine.Run(engine.Adapters.RegisterAsync("none", copy.Path, AdapterValidation.Content)))!;
        Assert.That(error.Code, Is.EqualTo("adapter.tensor"));
        Assert.That(error.Message, Does.Contain("changes nothing").And.Contain("AllowWithoutEffect"));

        // By its headers alone it looks like any other: then the request is refused, and not answered by the base.
        engine.Run(engine.Adapters.RegisterAsync("later", copy.Path));
        Answer answer = engine.Ask(Question with { Adapter = "later" });
        engine.Finish([answer]);
        Assert.That(answer.Error, Is.TypeOf<AdapterLoadException>());
    }

    /// <summary>B is zero everywhere: what is left are trained magnitudes, or biases of B, trained or zero too.</summary>
    [TestCase("later-dora", false, true)]
    [TestCase("later-lora-bias", false, true)]
    [TestCase("later-lora-bias", true, false)]
    public void What_is_changed_beside_A_and_B_has_an_effect(string adapter, bool clearsBiases, bool isServed)
    {
        using var copy = new CopiedAdapter(adapter);
        copy.Clear(name => name.EndsWith("lora_B.weight", StringComparison.Ordinal)
            || (clearsBiases && name.EndsWith("lora_B.bias", StringComparison.Ordinal)));
        using var engine = new SteppedEngine();
        Task<AdapterCoverage> registering = engine.Adapters.RegisterAsync("tenant", copy.Path, AdapterValidation.Content);
        if (isServed)
        {
            Assert.That(engine.Run(registering).ModulesWithoutEffect, Is.Empty);
        }
        else
        {
            Assert.That(Assert.Throws<AdapterLoadException>(() => engine.Run(registering))!.Message, Does.Contain("changes nothing"));
        }
    }

    [TestCase(0)]
    [TestCase(1e-60, Description = "zero in fp32")]
    public void Scenario_15_an_adapter_whose_scale_is_zero_is_refused_by_its_configuration(double alpha)
    {
        using var copy = new CopiedAdapter("qv");
        copy.Configure("lora_alpha", alpha);
        using var engine = new SteppedEngine();
        var error = Assert.Throws<AdapterLoadException>(() => engine.Run(engine.Adapters.RegisterAsync("none", copy.Path)))!;
        Assert.That((error.Code, error.Subject), Is.EqualTo(("adapter.config", "lora_alpha")));
        Assert.That(error.Message, Does.Contain("AllowWithoutEffect"));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void An_adapter_without_effect_answers_as_the_base_where_that_is_allowed_and_its_modules_are_named(bool byScale)
    {
        using var copy = new CopiedAdapter("qv");
        if (byScale)
        {
            copy.Configure("lora_alpha", 0);
        }
        else
        {
            copy.Clear(name => name.Contains("lora_B", StringComparison.Ordinal));
        }

        using var engine = new SteppedEngine(builder => builder.ConfigureAdapters(adapters => adapters.AllowWithoutEffect = true));
        AdapterCoverage coverage = engine.Run(engine.Adapters.RegisterAsync("none", copy.Path, AdapterValidation.Content));
        Assert.That(coverage.ModulesWithoutEffect, Is.EqualTo(coverage.Modules.Select(module => module.Module)));

        Answer[] answers = [engine.Ask(Question), engine.Ask(Question with { Adapter = "none" })];
        engine.Finish(answers);
        Assert.That(answers[1].Tokens, Is.EqualTo(answers[0].Tokens));
    }

    [Test]
    public void One_dead_module_among_good_ones_is_served_and_named_once_the_values_are_known()
    {
        using var copy = new CopiedAdapter("qv");
        copy.Clear(name => name.Contains("layers.1.self_attn.v_proj.lora_B", StringComparison.Ordinal));
        using var engine = new SteppedEngine();
        string[] dead = ["model.layers.1.self_attn.v_proj"];
        AdapterCoverage coverage = engine.Run(engine.Adapters.RegisterAsync("now", copy.Path, AdapterValidation.Content));
        Assert.That(coverage.ModulesWithoutEffect, Is.EqualTo(dead));
        Assert.That(coverage.ToString(), Does.Contain("1 without effect: 'model.layers.1.self_attn.v_proj'"));

        Assert.That(engine.Run(engine.Adapters.RegisterAsync("later", copy.Path)).ModulesWithoutEffect, Is.Empty, "headers do not tell");
        Answer answer = engine.Ask(Question with { Adapter = "later" });
        engine.Finish([answer]);
        Assert.That(answer.Error, Is.Null);
        Assert.That(engine.Adapters.List().Select(status => status.Coverage.ModulesWithoutEffect), Is.All.EqualTo(dead.ToImmutableArray()));
    }

    [Test]
    public void A_module_whose_scale_is_zero_by_its_pattern_is_named_from_the_start()
    {
        using var copy = new CopiedAdapter("qv");
        copy.Configure("alpha_pattern", new System.Text.Json.Nodes.JsonObject { ["layers.0.self_attn.q_proj"] = 0 });
        using var engine = new SteppedEngine();
        AdapterCoverage coverage = engine.Run(engine.Adapters.RegisterAsync("some", copy.Path));
        Assert.That(coverage.ModulesWithoutEffect, Is.EqualTo(new[] { "model.layers.0.self_attn.q_proj" }));
    }

    [TestCase("F16", 2.9802322e-8f, true, Description = "half of the smallest number, which is rounded to even")]
    [TestCase("F16", 2.9802326e-8f, false)]
    [TestCase("BF16", 4.591775e-41f, true)]
    [TestCase("BF16", 4.5919e-41f, false)]
    [TestCase("F32", 1e-45f, false)]
    public void Values_that_are_zero_in_the_pages_have_no_effect(string baseType, float value, bool isZero)
    {
        TensorType type = Enum.Parse<TensorType>(baseType);
        ImmutableArray<TargetModule> targets = TestAdapter.Model(1, 8, 8);
        TestAdapter adapter = TestAdapter.For(targets, _ => 2, _ => TensorType.F32);
        byte[] b = adapter.Tensors[1].Data;
        MemoryMarshal.Cast<byte, float>(b.AsSpan()).Fill(-value);
        using AdapterContent content = AdapterContent.Load(AdapterDescription.Read(adapter.InMemory(), targets), _ => default);
        TileDirectory directory = TilePlanner.Plan(content.Description.Modules, targets.Length, 4096, AdapterWeightType.BaseType, type);
        Assert.That(AdapterEffect.Without(content, directory), Is.EqualTo(isZero ? [targets[0].Name] : Array.Empty<string>()));

        // What rounding does, by the types themselves.
        Assert.That(type == TensorType.F16 ? (float)(Half)value == 0 : type == TensorType.BF16
            ? Elements.Widen(Elements.Narrow(value)) == 0
            : value == 0, Is.EqualTo(isZero));
    }

    [Test]
    public void Tensors_of_the_program_are_refused_without_effect_too()
    {
        var tensors = new AdapterTensors(new AdapterSettings { Rank = 1, Alpha = 1, TargetModules = ["model.layers.0.self_attn.q_proj"] });
        (int rows, int columns) = Shape();
        tensors.Add("model.layers.0.self_attn.q_proj.lora_A.weight", [.. Enumerable.Repeat(1f, columns)], 1, columns);
        tensors.Add("model.layers.0.self_attn.q_proj.lora_B.weight", [.. Enumerable.Repeat(-0f, rows)], rows, 1);
        using var engine = new SteppedEngine();
        Assert.That(() => engine.Run(engine.Adapters.RegisterTensorsAsync("none", tensors)),
            Throws.TypeOf<AdapterLoadException>().With.Message.Contains("changes nothing"));

        static (int Rows, int Columns) Shape()
        {
            TargetModule target = FixtureModel.Targets("core-llama-gqa").Single(target => target.Name == "model.layers.0.self_attn.q_proj");
            return (target.OutFeatures, target.InFeatures);
        }
    }
}
