using System.Text.Json;
using SLoRA.Extensions.AI.Replies;
using SLoRA.Text;

namespace SLoRA.Extensions.AI.Tests.Replies;

/// <summary>
/// What was read from an answer, put back through the chat template as the assistant's message, is the answer again, as far as the template
/// writes it; and read once more it is the same calls.
/// </summary>
public sealed class TemplateRoundTripTests
{
    // What ends a turn in the templates.
    private static readonly string[] TurnEnds =
        ["<|im_end|>", "<|eot_id|>", "<eos>", "<｜end▁of▁sentence｜>", "<|end_of_text|>", "<|end|>", "<|return|>", "[e~[", "<end_of_turn>"];

    // Answers as each template itself would write them, with what the template leaves out or adds named where it is not nothing.
    private static readonly Dictionary<string, string[]> Exact = new()
    {
        ["hermes"] =
            ["one-call", "two-calls", "three-calls-one-function-twice", "text-before", "no-arguments", "nested", "thinks-then-calls"],
        ["qwen3_coder"] =
            ["one-call", "two-calls", "text-before", "no-arguments", "nested", "string-with-newlines-and-backslashes", "value-with-markup"],
        ["llama3_json"] = ["one-call", "no-arguments", "nested", "string-with-quotes-and-braces", "unicode-names", "string-with-markers"],
        ["pythonic"] = ["no-arguments"],
        ["mistral.array"] = [],
        ["mistral.name-args"] =
            ["name-args/one-call", "name-args/two-calls", "name-args/text-before", "name-args/nested", "name-args/thinks-then-calls"],
        ["deepseek.v3"] = ["one-call", "two-calls", "no-arguments", "nested", "fence-in-an-argument", "string-with-markers"],
        ["deepseek.v31"] = ["one-call", "two-calls", "text-before", "no-arguments", "nested", "string-with-markers"],
        ["granite.array"] = ["one-call", "two-calls", "text-before", "no-arguments", "nested", "string-with-markers"],
        ["granite.blocks"] = ["blocks-one", "blocks-two"],
        ["glm4_moe"] = ["thinks-then-calls"],
        ["kimi_k2"] = ["one-call", "two-calls", "text-before", "no-arguments", "nested", "string-with-markers"],
        ["minimax_m2"] = ["one-call", "two-calls", "text-before", "no-arguments", "nested"],
        ["phi4_mini"] = ["one-call", "two-calls", "text-before", "no-arguments", "nested", "string-with-markers"],
        ["internlm"] = ["one-call", "text-before", "no-arguments", "nested", "string-with-markers"],
        ["harmony"] = ["recipient-in-the-role-without-constrain"],
        ["published qwen2_5"] =
            ["one-call", "two-calls", "three-calls-one-function-twice", "text-before", "no-arguments", "nested", "unicode-names"],
        ["published qwen3"] = ["thinks-then-calls", "thinks-then-text-then-calls"],
        ["published llama3_2"] = ["one-call", "no-arguments", "nested", "string-with-quotes-and-braces", "unicode-names"],
        ["published mistral_nemo"] = ["array/no-space-with-ids"],
        ["published deepseek_v3"] = ["two-calls"],
    };

    private static IEnumerable<TestCaseData> Templates() =>
        from template in ToolTemplate.Own().Concat(ToolTemplate.Published())
        where ReplyFormat.Detect(template.Source).ToolCalls != ToolCallFormat.GenericJson
        select new TestCaseData(template).SetArgDisplayNames(template.ToString());

    [TestCaseSource(nameof(Templates))]
    public void An_answer_that_was_read_is_written_by_the_template_as_it_was(ToolTemplate template)
    {
        string[] names = Exact[template.ToString()];
        foreach (string name in names)
        {
            ToolCallCase item = Cases(template).Single(item => item.Name.EndsWith(", " + name, StringComparison.Ordinal));
            string written = Write(template, ReplyResult.Of(item.Parser(), [item.Text]))?.Turn ?? "nothing";
            Assert.That(Folded(written), Is.EqualTo(Folded(WithoutTurnEnd(item.Text))), $"{template}: {name}");
        }
    }

    [TestCaseSource(nameof(Templates))]
    public void Calls_that_were_written_by_the_template_are_read_as_the_same_calls(ToolTemplate template)
    {
        int count = 0;
        foreach (ToolCallCase item in Cases(template))
        {
            ReplyResult first = ReplyResult.Of(item.Parser(), [item.Text]);
            if (first.Calls.Count == 0 || !IsSayable(template, first) || Write(template, first) is not { } written)
            {
                continue;
            }

            ReplyFormat format = ReplyFormat.Detect(template.Source);
            var options =
                new ReplyParserOptions { Tools = ToolFile.Own, StartsInReasoning = format.Reasoning.IsOpenAtEndOf(written.Prompt) };
            ReplyResult second = ReplyResult.Of(ReplyParser.Create(format, options), [written.Turn]);
            string message = $"{template}: {item.Name}\nwritten {written}\nread {second}";
            Assert.That(second.Calls.Select(call => call.Name), Is.EqualTo(first.Calls.Select(call => call.Name)), message);
            foreach ((ToolCallPart a, ToolCallPart b) in first.Calls.Zip(second.Calls))
            {
                JsonElement read = JsonDocument.Parse(a.Arguments).RootElement;
                Assert.That(JsonEquality.AreClose(read, JsonDocument.Parse(b.Arguments).RootElement), message);
            }

            count++;
        }

        Assert.That(count, Is.GreaterThanOrEqualTo(5), "answers with calls");
    }

    [Test]
    public void The_form_that_a_template_takes_calls_in_is_found_by_asking_it()
    {
        Assert.That(Form("hermes"), Is.EqualTo(new AssistantMessageForm(HasNullContent: false, HasTextArguments: false)));
        Assert.That(Form("deepseek.v3"), Is.EqualTo(new AssistantMessageForm(HasNullContent: true, HasTextArguments: true)));
        Assert.That(Form("mistral.array"), Is.EqualTo(new AssistantMessageForm(HasNullContent: false, HasTextArguments: false)));
        Assert.That(Form("generic_json"), Is.Null);
    }

    private static AssistantMessageForm? Form(string name) =>
        AssistantMessageForm.Of(ToolTemplate.Own().Single(template => template.Name == name).Parsed, ToolTemplate.Variables);

    // The cases of the template's format, and of its variant where the format has several.
    private static IEnumerable<ToolCallCase> Cases(ToolTemplate template)
    {
        ToolCallFormat format = ReplyFormat.Detect(template.Source).ToolCalls;
        string name = template.ToString();
        return ToolCallCase.All().Where(item => item.IsOwn && item.Format.ToolCalls == format
            && !item.Name.StartsWith("reasoning", StringComparison.Ordinal)
            && (format != ToolCallFormat.DeepSeek
                || item.Name.StartsWith(name == "deepseek.v31" ? "deepseek_v31" : "deepseek_v3.", StringComparison.Ordinal)));
    }

    // Without a marker only declared names are calls; and the published template of DeepSeek V3 closes the section behind the second call,
    // then again.
    private static bool IsSayable(ToolTemplate template, ReplyResult answer) => template.ToString() switch
    {
        "llama3_json" or "published llama3_2" or "pythonic" => answer.Calls.All(call => ToolFile.Own.Any(tool => tool.Name == call.Name)),
        "published deepseek_v3" => answer.Calls.Count <= 2,
        _ => true,
    };

    // What the template puts before the assistant's turn, and the turn without its end; null where it refuses the message.
    private static (string Prompt, string Turn)? Write(ToolTemplate template, ReplyResult answer)
    {
        var question = new TemplateMessage("user", "What is the weather?");
        AssistantMessageForm form = AssistantMessageForm.Of(template.Parsed, ToolTemplate.Variables)!;
        string prompt = Render(template, [question], addGenerationPrompt: true);
        try
        {
            string whole =
                Render(template, [question, form.ToMessage(answer.Text, answer.Reasoning, answer.Calls)], addGenerationPrompt: false);
            int turn = prompt.AsSpan().CommonPrefixLength(whole);
            return (whole[..turn], WithoutTurnEnd(whole[turn..]));
        }
        catch (ChatTemplateException refusal) when (refusal.Code == "template.raised")
        {
            return null;
        }
    }

    private static string Render(ToolTemplate template, IEnumerable<TemplateMessage> messages, bool addGenerationPrompt)
    {
        var inputs = new ChatTemplateInputs(messages) { Variables = ToolTemplate.Variables, AddGenerationPrompt = addGenerationPrompt };
        return template.Parsed.Render(inputs);
    }

    private static string WithoutTurnEnd(string text)
    {
        text = text.TrimEnd();
        string? end = TurnEnds.FirstOrDefault(end => text.EndsWith(end, StringComparison.Ordinal));
        return end is null ? text : text[..^end.Length];
    }

    private static string Folded(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
