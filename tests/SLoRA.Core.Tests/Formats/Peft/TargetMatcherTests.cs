using System.Collections.Immutable;
using System.Text.Json;
using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Formats;
using SLoRA.Formats.Peft;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Formats.Peft;

internal sealed class TargetMatcherTests
{
    private static readonly ImmutableArray<TargetModule> Targets = FixtureModel.Targets("core-llama-gqa");

    /// <summary>fixtures/peft-matching.json holds the answers of PEFT's own functions.</summary>
    [Test]
    public void Made_up_configurations_target_what_PEFT_targets_with_its_ranks_and_scales()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(FixtureModel.Root, "peft-matching.json")));
        var wrong = new List<string>();
        int compared = 0;
        foreach (JsonElement item in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            string json = item.GetProperty("config").GetRawText();
            PeftConfig config;
            try
            {
                config = Parse(json);
            }
            catch (FormatError error) when (error.Subject == "layers_pattern")
            {
                // PEFT refuses these when the configuration is made.
                continue;
            }

            var matcher = new TargetMatcher(config);
            string actual =
                string.Join(" ", Targets.Where(target => matcher.Targets(target.Name, target.Kind == TargetKind.Linear)).Select(target =>
            {
                (int rank, double alpha) = matcher.RankAndAlpha(target.Name);
                return $"{target.Name}:{rank}:{BitConverter.SingleToUInt32Bits(config.Scale(rank, alpha))}";
            }));
            string expected = string.Join(" ", item.GetProperty("modules").EnumerateObject()
                .Select(module => $"{module.Name}:{module.Value[0]}:{module.Value[1]}"));
            if (actual != expected)
            {
                wrong.Add($"{json}: {actual}, PEFT: {expected}");
            }

            compared++;
        }

        Assert.That(wrong, Is.Empty);
        Assert.That(compared, Is.GreaterThan(150));
    }

    [Test]
    public void All_linear_is_every_linear_module_but_the_head()
    {
        var matcher = new TargetMatcher(Parse("""{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":"all-linear"}"""));
        Assert.That(
            Targets.Where(target => matcher.Targets(target.Name, target.Kind == TargetKind.Linear)),
            Is.EqualTo(Targets.Where(target => target.Kind == TargetKind.Linear)));
    }

    [Test]
    public void A_name_listed_in_full_is_targeted_in_any_layer_as_in_PEFT()
    {
        var matcher = new TargetMatcher(Parse(
            """
            {"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["model.layers.0.mlp.up_proj","v_proj"],"layers_to_transform":2}
            """));
        Assert.That(
            Targets.Where(target => matcher.Targets(target.Name, true)).Select(target => target.Name),
            Is.EqualTo(new[] { "model.layers.0.mlp.up_proj", "model.layers.2.self_attn.v_proj" }));
    }

    [TestCase("rank_pattern", "{\"v_proj\":2,\"w_proj\":8}", "w_proj")]
    [TestCase("alpha_pattern", "{\"k_proj\":2}", "k_proj")]
    [TestCase("alpha_pattern", "{\"q_\":2}", "q_")]
    public void A_pattern_key_that_matches_no_targeted_module_is_refused(string option, string value, string key)
    {
        var matcher = new TargetMatcher(
            Parse($$"""{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["q_proj","v_proj"],"{{option}}":{{value}}}"""));
        var error = Assert.Throws<FormatError>(
            () => matcher.CheckPatterns(["model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.v_proj"]))!;
        Assert.That((error.Kind, error.Subject), Is.EqualTo((LoadErrorKind.Config, option)));
        Assert.That(error.Message, Does.Contain(key));
    }

    [Test]
    public void A_key_that_an_earlier_key_hides_is_accepted() => Assert.DoesNotThrow(() =>
        new TargetMatcher(
            Parse("""{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["q_proj"],"rank_pattern":{".*":2,"q_proj":3}}"""))
            .CheckPatterns(["model.layers.0.self_attn.q_proj"]));

    [TestCase("\"target_modules\":\"(\"", "target_modules")]
    [TestCase("\"target_modules\":[\"q_proj\"],\"exclude_modules\":\"[\"", "exclude_modules")]
    [TestCase("\"target_modules\":[\"q_proj\"],\"rank_pattern\":{\"*\":1}", "rank_pattern.*")]
    [TestCase("\"target_modules\":[\"q_proj\"],\"alpha_pattern\":{\"(\":1}", "alpha_pattern.(")]
    [TestCase("\"target_modules\":[\"q_proj\"],\"layers_to_transform\":1,\"layers_pattern\":\"(\"", "layers_pattern")]
    public void A_broken_expression_is_refused_by_its_key(string options, string key)
    {
        var error =
            Assert.Throws<FormatError>(() => _ = new TargetMatcher(Parse($$"""{"peft_type":"LORA","r":4,"lora_alpha":8,{{options}}}""")))!;
        Assert.That((error.Kind, error.Subject), Is.EqualTo((LoadErrorKind.Config, key)));
    }

    [Test]
    public void Names_without_a_module_are_told()
    {
        var matcher =
            new TargetMatcher(Parse("""{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["q_proj","c_attn","w1","c_attn"]}"""));
        Assert.That(matcher.NamesWithoutModule([.. Targets.Select(target => target.Name)]), Is.EqualTo(new[] { "c_attn", "w1" }));
    }

    [TestCase("[q]{0}")]
    [TestCase("(?=q){0}")]
    [TestCase("(.*a.{{30}}){0}")]
    [TestCase("(q|k)_proj{0}")]
    public void Any_number_of_expressions_takes_a_bounded_number_of_bytes(string key)
    {
        string keys = string.Join(",", Enumerable.Range(0, 4000)
            .Select(i => $"\"{string.Format(System.Globalization.CultureInfo.InvariantCulture, key, i)}\":8"));
        PeftConfig config =
            Parse($$$"""{"peft_type":"LORA","r":8,"lora_alpha":16,"target_modules":["q_proj"],"rank_pattern":{{{{keys}}}}}""");
        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<FormatError>(() => new TargetMatcher(config).CheckPatterns(["model.layers.0.self_attn.q_proj"]))!;
        Assert.That(error.Kind, Is.EqualTo(LoadErrorKind.Config));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(2 * RegexBudget.MostBytes));
    }

    [Test]
    public void More_entries_than_any_model_has_modules_are_refused()
    {
        string keys = string.Join(",", Enumerable.Range(0, 16_385).Select(i => $"\"k{i}\":8")),
            names = string.Join(",", Enumerable.Range(0, 16_385).Select(i => $"\"k{i}\""));
        foreach (string option in (string[])[$"\"rank_pattern\":{{{keys}}}", $"\"alpha_pattern\":{{{keys}}}",
            $"\"exclude_modules\":[{names}]"])
        {
            var error = Assert.Throws<FormatError>(() => Parse($$"""{"peft_type":"LORA","r":8,"lora_alpha":16,{{option}}}"""))!;
            Assert.That(error.Message, Does.Contain("16385 entries"));
        }
    }

    [Test]
    public void A_pattern_for_each_module_with_anchors_and_escaped_dots_is_no_expression()
    {
        // PEFT's own documentation writes keys like these; a model of 126 layers has 882 modules.
        string[] modules = [.. Enumerable.Range(0, 882).Select(i => $"model.layers.{i}.self_attn.q_proj")];
        string keys =
            string.Join(",", modules.Select((module, i) => $"\"^{module.Replace(".", "\\\\.", StringComparison.Ordinal)}$\":{i + 1}"));
        var matcher = new TargetMatcher(
            Parse($$$"""{"peft_type":"LORA","r":8,"lora_alpha":16,"target_modules":["q_proj"],"rank_pattern":{{{{keys}}}}}"""));
        matcher.CheckPatterns(modules);
        Assert.That(modules.Select(module => matcher.RankAndAlpha(module).Rank), Is.EqualTo(Enumerable.Range(1, 882)));
        Assert.That(matcher.RankAndAlpha("x.model.layers.3.self_attn.q_proj").Rank, Is.EqualTo(8), "anchored");
        Assert.That(matcher.RankAndAlpha("modelxlayers.3.self_attn.q_proj").Rank, Is.EqualTo(8), "an escaped dot is a dot");
    }

    [Test]
    public void Matching_ends_when_the_reading_does()
    {
        PeftConfig config = Parse("""{"peft_type":"LORA","r":8,"lora_alpha":16,"target_modules":".*q_proj"}""");
        Assert.That(() => new TargetMatcher(config, new CancellationToken(true).ThrowIfCancellationRequested),
            Throws.InstanceOf<OperationCanceledException>());
    }

    private static PeftConfig Parse(string json) =>
        PeftConfigReader.Read(ConfigDocument.Parse(System.Text.Encoding.UTF8.GetBytes(json), "adapter_config.json"));
}
