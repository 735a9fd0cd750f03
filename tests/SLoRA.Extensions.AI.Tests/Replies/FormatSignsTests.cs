using SLoRA.Extensions.AI.Replies;

namespace SLoRA.Extensions.AI.Tests.Replies;

public sealed class FormatSignsTests
{
    private static readonly Dictionary<string, (ToolCallFormat Calls, ReasoningFormat Reasoning)> Known = new()
    {
        ["qwen1_5"] = (ToolCallFormat.GenericJson, ReasoningFormat.None),
        ["qwen2_5"] = (ToolCallFormat.Hermes, ReasoningFormat.None),
        ["qwen3"] = (ToolCallFormat.Hermes, ReasoningFormat.Think),
        ["llama3"] = (ToolCallFormat.GenericJson, ReasoningFormat.None),
        ["llama3_2"] = (ToolCallFormat.Llama3Json, ReasoningFormat.None),
        ["mistral_nemo"] = (ToolCallFormat.Mistral, ReasoningFormat.None),
        ["deepseek_v3"] = (ToolCallFormat.DeepSeek, ReasoningFormat.None),
        ["gemma3"] = (ToolCallFormat.GenericJson, ReasoningFormat.None),
    };

    private static IEnumerable<TestCaseData> Own() =>
        ToolTemplate.Own().Select(item => new TestCaseData(item).SetArgDisplayNames(item.ToString()));

    [TestCaseSource(nameof(Own))]
    public void A_format_is_known_by_the_template_that_is_named_after_it(ToolTemplate template) =>
        Assert.That(ReplyFormat.Detect(template.Source).ToolCalls.Name, Is.EqualTo(template.Name.Split('.')[0]));

    [Test]
    public void Every_format_has_a_template() => Assert.That(
        ToolTemplate.Own().Select(template => template.Name.Split('.')[0]).Distinct(),
        Is.EquivalentTo(ToolCallFormat.All.Where(format => format != ToolCallFormat.None).Select(format => format.Name)));

    [Test]
    public void Published_templates_are_known()
    {
        ToolTemplate[] published = [.. ToolTemplate.Published()];
        if (published.Length == 0)
        {
            Assert.Ignore("No package with a published template is installed (SLORA_TOKENIZERS).");
        }

        foreach (ToolTemplate template in published)
        {
            ReplyFormat format = ReplyFormat.Detect(template.Source);
            Assert.That((format.ToolCalls, format.Reasoning), Is.EqualTo(Known[template.Name]), template.Name);
        }
    }

    [TestCase("hermes", "think")]
    [TestCase("deepseek.v31", "think")]
    [TestCase("glm4_moe", "think")]
    [TestCase("minimax_m2", "think")]
    [TestCase("mistral.name-args", "mistral")]
    [TestCase("mistral.array", "none")]
    [TestCase("llama3_json", "none")]
    public void The_format_of_thoughts_is_known_by_the_marker_in_the_template(string template, string reasoning) =>
        Assert.That(ReplyFormat.Detect(ToolTemplate.Own().Single(item => item.Name == template).Source).Reasoning.Name,
            Is.EqualTo(reasoning));

    [Test]
    public void Granites_thoughts_are_known_by_the_sentence_that_asks_for_them() => Assert.That(
        ReplyFormat.Detect("{{ 'Write your thoughts after \\'Here is my thought process:\\' and' }}").Reasoning,
            Is.EqualTo(ReasoningFormat.Granite));

    [Test]
    public void A_template_without_signs_leaves_it_to_the_vocabulary()
    {
        const string Plain = "{% for message in messages %}{{ message.content }}{% endfor %}";
        Assert.That(ReplyFormat.Detect(Plain, text => text is "<|action_start|>" or "<|plugin|>").ToolCalls,
            Is.EqualTo(ToolCallFormat.InternLm));
        Assert.That(ReplyFormat.Detect(Plain, text => text is "<|channel|>" or "<|message|>" or "<|constrain|>").ToolCalls,
            Is.EqualTo(ToolCallFormat.Harmony));
        Assert.That(ReplyFormat.Detect(Plain, text => text is "[TOOL_CALLS]").ToolCalls, Is.EqualTo(ToolCallFormat.Mistral));
        Assert.That(ReplyFormat.Detect(Plain, text => text is "<｜tool▁calls▁begin｜>").ToolCalls, Is.EqualTo(ToolCallFormat.DeepSeek));
        Assert.That(ReplyFormat.Detect(Plain, text => text is "<tool_call>").ToolCalls, Is.EqualTo(ToolCallFormat.GenericJson));
        Assert.That(ReplyFormat.Detect(Plain).ToolCalls, Is.EqualTo(ToolCallFormat.GenericJson));
    }

    [TestCase("<|im_start|>assistant\n<think>\n", ExpectedResult = true)]
    [TestCase("<|im_start|>assistant\n<think>", ExpectedResult = true)]
    [TestCase("<|im_start|>assistant\n", ExpectedResult = false)]
    [TestCase("<|im_start|>user\n<think>\nhm<|im_end|>\n<|im_start|>assistant\n", ExpectedResult = false)]
    [TestCase("<|im_start|>assistant\n<think>\n\n</think>\n\n", ExpectedResult = false)]
    [TestCase("", ExpectedResult = false)]
    public bool A_block_is_open_where_the_prompt_ends_with_its_marker(string prompt) => ReasoningFormat.Think.IsOpenAtEndOf(prompt);

    [Test]
    public void Without_a_format_of_thoughts_no_prompt_opens_a_block() =>
        Assert.That(ReasoningFormat.None.IsOpenAtEndOf("<think>"), Is.False);
}
