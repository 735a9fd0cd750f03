using System.Text.Json.Nodes;

namespace SLoRA.Text.Tests;

/// <summary>The public template type: inputs, ranges, errors, limits, threads.</summary>
public sealed class ChatTemplateTests
{
    private const string SmolLm2 =
        "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI "
        + "assistant named SmolLM, "
        + "trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' "
        + "+ '\n'}}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

    [Test]
    public void The_template_of_SmolLM2_adds_its_system_message_only_where_there_is_none()
    {
        ChatTemplate template = ChatTemplate.Parse(SmolLm2);
        var alone = new ChatTemplateInputs([new TemplateMessage("user", "Hi")]) { AddGenerationPrompt = true };
        var told = new ChatTemplateInputs(
            [new TemplateMessage("system", "Be brief."), new TemplateMessage("user", "Hi"), new TemplateMessage("assistant", "Yes?")]);
        Assert.Multiple(() =>
        {
            Assert.That(template.Render(alone), Is.EqualTo(
                "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n<|im_start|>user\nHi<|"
                + "im_end|>\n<|im_start|>assistant\n"));
            Assert.That(template.Render(told), Is.EqualTo(
                "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYes?<|im_end|>\n"));
        });
    }

    [Test]
    public void Message_members_and_content_parts_reach_the_template()
    {
        var message = new TemplateMessage("assistant", new JsonArray(new JsonObject { ["type"] = "text", ["text"] = "x" }))
        {
            Members = new Dictionary<string, JsonNode?> { ["tool_calls"] = new JsonArray(new JsonObject { ["n"] = 1, ["f"] = 1.0 }) },
        };
        string text = ChatTemplate.Parse("{{ messages|tojson }}").Render(new ChatTemplateInputs([message]));
        Assert.That(text,
            Is.EqualTo("""[{"role": "assistant", "content": [{"type": "text", "text": "x"}], "tool_calls": [{"n": 1, "f": 1.0}]}]"""));
    }

    [TestCase("{% set ns = namespace() %}{% set ns.__class__ = 1 %}")]
    [TestCase("{% set ns = namespace(a=1) %}{% set ns.__init__ %}x{% endset %}")]
    [TestCase("{% set ns = namespace() %}{% set a, ns.__b = 1, 2 %}")]
    [TestCase("{{ namespace(__class__=1) }}")]
    [TestCase("{{ namespace({'__class__': 1}) }}")]
    public void The_sandbox_refuses_names_with_two_leading_underscores_on_a_namespace(string template)
    {
        ChatTemplateException refused =
            Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template).Render(new ChatTemplateInputs(new JsonArray())))!;
        Assert.That(refused.Code, Is.EqualTo("template.security"));
        Assert.That(refused.Message, Does.Contain("'__"));
    }

    [Test]
    public void Numbers_are_floats_only_with_a_fraction_or_exponent()
    {
        JsonNode numbers = JsonNode.Parse("[1, 1.0, 1e2, -0, 123456789012345678901234567890]")!;
        var inputs = new ChatTemplateInputs(new JsonArray()) { Variables = new Dictionary<string, JsonNode?> { ["v"] = numbers } };
        Assert.That(ChatTemplate.Parse("{{ v }}").Render(inputs), Is.EqualTo("[1, 1.0, 100.0, 0, 123456789012345678901234567890]"));
    }

    [Test]
    public void Ranges_of_generation_blocks_count_code_points()
    {
        ChatTemplate template =
            ChatTemplate.Parse("\u00e9{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}|{% endfor %}");
        RenderedChat chat = template.RenderWithRanges(
            new ChatTemplateInputs([new TemplateMessage("assistant", "\U0001F600!"), new TemplateMessage("assistant", "")]));
        Assert.That(chat.Text, Is.EqualTo("\u00e9\U0001F600!||"));
        Assert.That(chat.GenerationRanges, Is.EqualTo(((int, int)[])[(1, 3), (4, 4)]));
    }

    [Test]
    public void An_error_names_its_line()
    {
        ChatTemplateException syntax = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse("a\nb\n{{ 1 + }}"))!;
        ChatTemplateException undefined = Assert.Throws<ChatTemplateException>(() => Render("a\n{{ nope.x }}"))!;
        ChatTemplateException raised = Assert.Throws<ChatTemplateException>(() => Render("\n\n{{ raise_exception('No.') }}"))!;
        Assert.Multiple(() =>
        {
            Assert.That((syntax.Code, syntax.Line), Is.EqualTo(("template.syntax", 3)));
            Assert.That((undefined.Code, undefined.Line), Is.EqualTo(("template.undefined", 2)));
            Assert.That(undefined.Message, Does.Contain("'nope'").And.Contain("line 2"));
            Assert.That((raised.Code, raised.Line, raised.Message), Is.EqualTo(("template.raised", 3, "No.")));
        });
    }

    [TestCase("{{ messages.append(1) }}", "template.security")]
    [TestCase("{{ ''.__class__.__mro__ }}", "template.security")]
    [TestCase("{{ 1 + 'a' }}", "template.runtime")]
    [TestCase("{{ 'x'|pprint }}", "template.runtime")]
    [TestCase("{{ [1]|random }}", "template.runtime")]
    [TestCase("{% include 'x' %}", "template.runtime")]
    [TestCase("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "template.limit")]
    [TestCase("{{ 'x' * 100000000 }}", "template.limit")]
    [TestCase("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "template.limit")]
    public void What_is_refused_has_a_stable_code(string template, string code)
    {
        Assert.That(Assert.Throws<ChatTemplateException>(() => Render(template))!.Code, Is.EqualTo(code));
    }

    [Test]
    public void Inputs_that_nest_too_deep_are_refused()
    {
        JsonNode nested = new JsonArray();
        for (int i = 0; i < 300; i++)
        {
            nested = new JsonArray(nested);
        }

        Assert.That(Assert.Throws<ChatTemplateException>(() => _ = new ChatTemplateInputs(nested))!.Code, Is.EqualTo("template.limit"));
    }

    [Test]
    public void Limits_grow_with_the_inputs_so_that_a_long_conversation_renders()
    {
        TemplateMessage[] messages =
            [.. Enumerable.Range(0, 2_000).Select(i => new TemplateMessage(i % 2 == 0 ? "user" : "assistant", new string('x', 4_000)))];
        string text = ChatTemplate.Parse(SmolLm2).Render(new ChatTemplateInputs(messages));
        Assert.That(text, Has.Length.GreaterThan(8_000_000));
    }

    [Test]
    public void A_small_stack_ends_in_a_limit_and_not_in_a_crash()
    {
        string nested = string.Concat(Enumerable.Repeat("{% macro f(n) %}{{ [f(n + 1)] }}{% endmacro %}", 1)) + "{{ f(0) }}";
        Exception? caught = null;
        var thread = new Thread(() => caught = Assert.Throws<ChatTemplateException>(() => Render(nested)), maxStackSize: 256 * 1024);
        thread.Start();
        thread.Join();
        Assert.That(((ChatTemplateException)caught!).Code, Is.EqualTo("template.limit"));
    }

    [Test]
    public void Many_threads_render_one_template_with_equal_results()
    {
        ChatTemplate template = ChatTemplate.Parse(
            "{% set ns = namespace(n=0) %}{% set j = joiner() %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{{ j() }}{{ ns.n }}{{ "
            + "m|tojson }}{% endfor %}{{ tools|tojson }}");
        var inputs = new ChatTemplateInputs([.. Enumerable.Range(0, 20).Select(i => new TemplateMessage("user", $"text {i}"))])
        {
            Tools = JsonNode.Parse("""[{"a":{"b":[1,2.0,null]}}]"""),
        };
        string expected = template.Render(inputs);
        string[] texts = new string[500];
        Parallel.For(0, texts.Length, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i => texts[i] = template.Render(inputs));
        Assert.That(texts, Is.All.EqualTo(expected));
    }

    private static string Render(string template) =>
        ChatTemplate.Parse(template).Render(new ChatTemplateInputs([new TemplateMessage("user", "hi")]));
}
