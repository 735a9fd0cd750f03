using FsCheck;
using FsCheck.Fluent;
using SLoRA.Extensions.AI.Replies;

namespace SLoRA.Extensions.AI.Tests.Replies;

public sealed class ReplyParserTests
{
    private static readonly string[] Pieces =
    [
        "<tool_call>", "</tool_call>", "<function=get_time>", "</function>", "<parameter=x>", "</parameter>", "\n<parameter=y>", "<think>",
        "</think>", "[TOOL_CALLS]",
        "[ARGS]", "[CALL_ID]", "[THINK]", "[/THINK]", "<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>",
        "<｜tool▁calls▁end｜>",
        "<|tool_calls_section_begin|>", "<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>", "<|tool_call|>",
        "<minimax:tool_call>",
        "<invoke name=\"get_time\">", "</invoke>", "<parameter name=\"x\">", "</minimax:tool_call>", "functools[",
        "<|action_start|><|plugin|>", "<|action_end|>",
        "<|python_tag|>", "<|python_start|>", "<|python_end|>", "[get_time(", "a='x'", ")]", "<arg_key>", "</arg_key>", "<arg_value>",
        "</arg_value>", "get_time",
        "{\"name\": \"get_time\", \"arguments\": {\"a\": 1}}", "{\"a\": \"x\"}", "{", "}", "[", "]", ",", ";", "\"", "'", "\\", "```json\n",
        "\n```", " ", "\n", "word",
        "<|start|>assistant", "<|channel|>analysis", "<|channel|>final", "<|channel|>commentary to=functions.get_time", "<|message|>",
        "<|end|>", "<|call|>", "😀",
        "\uD83D", "Here is my thought process:", "Here is my response:",
    ];

    private static readonly Gen<(ReplyFormat Format, string[] Pieces)> Answers =
        from calls in Gen.Elements(ToolCallFormat.All.ToArray())
        from reasoning in Gen.Elements(ReasoningFormat.All.ToArray())
        from pieces in Gen.Elements(Pieces).ArrayOf()
        select (new ReplyFormat(calls, reasoning), pieces);

    [FsCheck.NUnit.Property(MaxTest = 4000, EndSize = 40, Replay = "(7654321,1234567)")]
    public Property Parts_do_not_depend_on_the_pieces_in_which_the_answer_arrives() => Prop.ForAll(Arb.From(Answers), answer =>
    {
        string text = string.Concat(answer.Pieces);
        string whole = ReplyResult.Of(Parser(answer.Format), [text]).ToString();
        Assert.That(ReplyResult.Of(Parser(answer.Format), answer.Pieces).ToString(), Is.EqualTo(whole));
        Assert.That(ReplyResult.Of(Parser(answer.Format), text.Select(c => c.ToString())).ToString(), Is.EqualTo(whole));
    });

    [FsCheck.NUnit.Property(MaxTest = 4000, EndSize = 40, Replay = "(1234567,7654321)")]
    public Property Nothing_vanishes_of_an_answer_without_calls_and_thoughts() => Prop.ForAll(Arb.From(Answers), answer =>
    {
        ReplyResult result = ReplyResult.Of(Parser(answer.Format), answer.Pieces);
        bool hasBlocks = result.Calls.Count > 0 || answer.Format.ToolCalls == ToolCallFormat.Harmony
            || answer.Format.Reasoning != ReasoningFormat.None;
        string text = string.Concat(answer.Pieces);

        // An empty list of calls is neither.
        if (!hasBlocks && !text.Contains("[]", StringComparison.Ordinal) && !text.Contains("functools[ ]", StringComparison.Ordinal))
        {
            Assert.That(result.Text, Is.EqualTo(text));
        }
    });

    [Test]
    public void A_parser_reads_one_answer()
    {
        ReplyParser parser = Parser(ReplyFormat.Text);
        Assert.That(parser.Push("a"), Is.EqualTo(new[] { new TextPart("a") }));
        Assert.That(parser.Complete(), Is.Empty);
        Assert.That(parser.Complete(), Is.Empty);
        Assert.That(() => parser.Push("b"), Throws.InvalidOperationException);
        ReplyParser harmony = Parser(new ReplyFormat(ToolCallFormat.Harmony, ReasoningFormat.None));
        harmony.Complete();
        Assert.That(() => harmony.Push("b"), Throws.InvalidOperationException);
    }

    [TestCase(1023)]
    [TestCase(16777217)]
    public void A_limit_out_of_range_is_refused(int limit) =>
        Assert.That(() => ReplyParser.Create(ReplyFormat.Text, new ReplyParserOptions { MaxCallLength = limit }),
            Throws.TypeOf<ArgumentOutOfRangeException>());

    [Test]
    public void A_call_that_is_longer_than_the_limit_is_text()
    {
        string Answer(int length) => "<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":\"" + new string('x', length) + "\"}}</tool_call>";
        string fits = Answer(900);
        string large = Answer(1100);
        var options = new ReplyParserOptions { MaxCallLength = 1024 };
        var format = new ReplyFormat(ToolCallFormat.Hermes, ReasoningFormat.None);
        Assert.That(ReplyResult.Of(ReplyParser.Create(format, options), [fits]).Calls, Has.Count.EqualTo(1));
        ReplyResult result = ReplyResult.Of(ReplyParser.Create(format, options), [large + fits]);
        Assert.That((result.Text, result.Calls.Count), Is.EqualTo((large, 1)));
    }

    [Test]
    public void Half_a_surrogate_pair_waits_for_the_other_half()
    {
        ReplyParser parser = Parser(ReplyFormat.Text);
        Assert.That(parser.Push("a\uD83D"), Is.EqualTo(new[] { new TextPart("a") }));
        Assert.That(parser.Push("\uDE00"), Is.EqualTo(new[] { new TextPart("😀") }));
        Assert.That(parser.Push("\uD83D"), Is.Empty);
        Assert.That(parser.Complete(), Is.EqualTo(new[] { new TextPart("\uD83D") }));
    }

    [Test]
    public void Without_declared_tools_an_answer_in_JSON_is_passed_on_as_it_arrives()
    {
        ToolCallFormat[] unmarked = [ToolCallFormat.GenericJson, ToolCallFormat.Llama3Json, ToolCallFormat.Pythonic];
        foreach (ToolCallFormat format in unmarked)
        {
            ReplyParser parser = ReplyParser.Create(new ReplyFormat(format, ReasoningFormat.None));
            Assert.That(parser.Push("{\"a\": [1"), Is.EqualTo(new[] { new TextPart("{\"a\": [1") }), format.Name);
        }
    }

    [Test]
    public void A_call_is_passed_on_when_it_is_complete_and_its_section_is_not()
    {
        ReplyParser parser = Parser(new ReplyFormat(ToolCallFormat.Mistral, ReasoningFormat.None));
        Assert.That(parser.Push("[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {}"), Is.Empty);
        Assert.That(parser.Push("}"), Has.Count.EqualTo(1));
        Assert.That(parser.Push(", {\"name\": \"g\", \"arguments\": {}}]"), Has.Count.EqualTo(1));
    }

    [Test]
    public void Whitespace_around_calls_and_thoughts_is_left_out_and_whitespace_within_the_text_is_kept()
    {
        ReplyParser parser = Parser(new ReplyFormat(ToolCallFormat.Hermes, ReasoningFormat.Think));
        const string Call = "<tool_call>{\"name\":\"f\"}</tool_call>\n";
        ReplyResult result = ReplyResult.Of(parser, [$"<think>\n a\n\nb \n</think>\n\nc\n\n{Call}{Call}d\n"]);
        Assert.That((result.Text, result.Reasoning, result.Calls.Count), Is.EqualTo(("c\n\n\n\nd", "a\n\nb", 2)));
    }

    [Test]
    public void New_ids_are_such_as_the_formats_templates_take()
    {
        ToolCallPart Call(ToolCallFormat format, string answer) =>
            ReplyResult.Of(Parser(new ReplyFormat(format, ReasoningFormat.None)), [answer]).Calls.Last();
        const string Kimi = "<|tool_calls_section_begin|><|tool_call_begin|>{0}<|tool_call_argument_begin|>{{}}<|tool_call_end|>";
        Assert.That(Call(ToolCallFormat.Hermes, "<tool_call>{\"name\":\"f\"}</tool_call>").Id, Does.Match("^call_[0-9A-Za-z]{24}$"));
        Assert.That(Call(ToolCallFormat.Mistral, "[TOOL_CALLS]f[ARGS]{}").Id, Does.Match("^[0-9A-Za-z]{9}$"));
        Assert.That(Call(ToolCallFormat.Mistral, "[TOOL_CALLS]f[CALL_ID]a1B2c3D4e[ARGS]{}").Id, Is.EqualTo("a1B2c3D4e"));
        Assert.That(Call(ToolCallFormat.Mistral, "[TOOL_CALLS]f[CALL_ID]short[ARGS]{}").Id, Does.Match("^[0-9A-Za-z]{9}$"));
        Assert.That(Call(ToolCallFormat.KimiK2, string.Format(null, Kimi, "functions.f:7")).Id, Is.EqualTo("functions.f:7"));
        Assert.That(Call(ToolCallFormat.KimiK2, string.Format(null, Kimi, "f")).Id, Is.EqualTo("functions.f:0"));
    }

    [Test]
    public void A_parameters_name_may_be_any_text_on_a_line()
    {
        ReplyResult tags = ReplyResult.Of(
            Parser(new ReplyFormat(ToolCallFormat.Qwen3Coder, ReasoningFormat.None)),
            ["<tool_call><function=f><parameter=filter[first name]>x</parameter></function></tool_call>"]);
        Assert.That(tags.Calls.Single().Arguments, Is.EqualTo("{\"filter[first name]\":\"x\"}"));
        ReplyResult pairs = ReplyResult.Of(
            Parser(new ReplyFormat(ToolCallFormat.Glm4, ReasoningFormat.None)),
            ["<tool_call>f<arg_key> a, b </arg_key><arg_value>x</arg_value></tool_call>"]);
        Assert.That(pairs.Calls.Single().Arguments, Is.EqualTo("{\"a, b\":\"x\"}"));
    }

    [Test]
    public void A_name_that_is_longer_than_any_is_text()
    {
        string Answer(int length) => "<tool_call>" + new string('f', length) + "</tool_call>";
        var format = new ReplyFormat(ToolCallFormat.Glm4, ReasoningFormat.None);
        Assert.That(ReplyResult.Of(Parser(format), [Answer(256)]).Calls, Has.Count.EqualTo(1));
        Assert.That(ReplyResult.Of(Parser(format), [Answer(257)]).Text, Is.EqualTo(Answer(257)));
        Assert.That(ReplyResult.Of(Parser(format), Answer(257).Select(c => c.ToString())).Text, Is.EqualTo(Answer(257)));
    }

    [Test]
    public void No_two_calls_of_an_answer_have_the_same_id()
    {
        const string Same = "<tool_call>{\"id\":\"1\",\"name\":\"f\"}</tool_call>";
        ReplyResult hermes = ReplyResult.Of(Parser(new ReplyFormat(ToolCallFormat.Hermes, ReasoningFormat.None)), [Same + Same]);
        Assert.That(hermes.Calls[0].Id, Is.EqualTo("1"));
        Assert.That(hermes.Calls[1].Id, Is.Not.EqualTo("1"));
        const string Call = "<|tool_call_begin|>{0}<|tool_call_argument_begin|>{{}}<|tool_call_end|>";
        string answer = "<|tool_calls_section_begin|>" + string.Format(null, Call, "functions.f:1") + string.Format(null, Call, "f");
        ReplyResult kimi = ReplyResult.Of(Parser(new ReplyFormat(ToolCallFormat.KimiK2, ReasoningFormat.None)), [answer]);
        Assert.That(kimi.Calls.Select(call => call.Id), Is.EqualTo(new[] { "functions.f:1", "functions.f:2" }));
    }

    private static ReplyParser Parser(ReplyFormat format) => ReplyParser.Create(format, new ReplyParserOptions { Tools = ToolFile.Own });
}
