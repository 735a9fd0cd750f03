using SLoRA.Extensions.AI.Replies;

namespace SLoRA.Extensions.AI.Tests.Replies;

/// <summary>Answers that are made to cost much: what a parser reads, holds and gives stays in proportion to what the model wrote.</summary>
public sealed class HostileAnswerTests
{
    private static readonly string[] Units =
    [
        "<tool_call>", "<tool_call>{", "<tool_call>{\"", "<tool_call>{\"a\":\"", "<tool_call>[{\"name\":\"x\"},",
        "<tool_call>{\"name\":\"x\"}",
        "<tool_call><function=f><parameter=x>", "<tool_call><function=f><parameter=x></parameter><parameter=x>",
        "<function=get_time><parameter=x>",
        "<function=get_time><parameter=x>\n<parameter=y></parameter>", "<tool_call><function=", "<function=nobody>", "\n<parameter=x>v",
        "<tool_call>f<arg_key>k</arg_key><arg_value>", "<tool_call>f<arg_key>k</arg_key><arg_value></arg_value>", "<arg_value>",
        "<tool_call>a",
        "<minimax:tool_call><invoke name=\"f\"><parameter name=\"x\">",
        "<minimax:tool_call><invoke name=\"f\"><parameter name=\"x\"></parameter>",
        "[TOOL_CALLS]", "[TOOL_CALLS]f[ARGS]{\"a\":\"", "[TOOL_CALLS][{\"a\":\"", "[TOOL_CALLS]f", "[", "{", "{\"a\":", "(", "'", "\"",
        "'''", "\\",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\":\"", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>",
        "<｜tool▁calls▁begin｜>",
        "<|tool_calls_section_begin|><|tool_call_begin|>f<|tool_call_argument_begin|>{\"a\":\"", "<|action_start|><|plugin|>{\"a\":\"",
        "functools[{\"a\":\"", "functools[", "<|python_tag|>{\"a\":\"", "<|python_start|>[f(a='", "<|python_start|>[f(a='''",
        "<|python_start|>[f(a=\"",
        "<|python_start|>[f(a='a' 'b' ", "[get_time(", "[get_time(a='a' 'a' 'a' ", "{\"name\":\"get_time\",\"parameters\":{}};", "```",
        "<think>", "</think>",
        "<|channel|>", "<|start|>assistant", "<|channel|>final<|message|>x", "<|channel|>commentary to=functions.f<|message|>{",
        "<|message|>", "<|end|>",
        " ", "\n", "<", "<|", "\uD83D", "\uDE00",
    ];

    private static IEnumerable<TestCaseData> Formats() =>
        ToolCallFormat.All.Select(format => new TestCaseData(format).SetArgDisplayNames(format.Name));

    [TestCaseSource(nameof(Formats))]
    public void What_is_read_of_a_hostile_answer_grows_with_its_length_alone(ToolCallFormat format)
    {
        foreach ((string prefix, string unit) in Texts())
        {
            string text = prefix + string.Concat(Enumerable.Repeat(unit, 30_000 / unit.Length));
            ReplyParser parser = Parser(format, 1024 * 1024);
            parser.Push(text);
            parser.Complete();
            Assert.That(parser.Held.Travelled, Is.LessThanOrEqualTo(8 * text.Length), $"{format.Name}: {prefix} and many {unit}");
        }
    }

    [TestCaseSource(nameof(Formats))]
    public void What_is_held_of_a_hostile_answer_does_not_exceed_what_a_call_may_have(ToolCallFormat format)
    {
        foreach ((string prefix, string unit) in Texts())
        {
            ReplyParser parser = Parser(format, 1024);
            parser.Push(prefix);
            string piece = string.Concat(Enumerable.Repeat(unit, (100 / unit.Length) + 1));
            for (int i = 0; i < 100; i++)
            {
                parser.Push(piece);
                Assert.That(parser.Held.Length, Is.LessThanOrEqualTo(1024), $"{format.Name}: {prefix} and many {unit}");
            }

            Assert.That(parser.Held.Capacity, Is.LessThanOrEqualTo(4 * 1024), $"{format.Name}: {prefix} and many {unit}");
        }
    }

    [TestCaseSource(nameof(Formats))]
    public void A_hostile_answer_gives_the_same_in_one_piece_and_in_many(ToolCallFormat format)
    {
        foreach ((string prefix, string unit) in Texts())
        {
            string text = prefix + string.Concat(Enumerable.Repeat(unit, 1_500 / unit.Length));
            string whole = ReplyResult.Of(Parser(format, 1024), [text]).ToString();
            Assert.That(ReplyResult.Of(Parser(format, 1024), text.Chunk(7).Select(piece => new string(piece))).ToString(),
                Is.EqualTo(whole), $"{format.Name}: {unit}");
            Assert.That(ReplyResult.Of(Parser(format, 1024), text.Chunk(1).Select(piece => new string(piece))).ToString(),
                Is.EqualTo(whole), $"{format.Name}: {unit}");
        }
    }

    // Alone, and behind an opened block, so that what is repeated is inside of it.
    private static IEnumerable<(string Prefix, string Unit)> Texts() =>
        from prefix in (string[])["", "<tool_call><function=f><parameter=x>", "<tool_call>{\"", "[get_time(a='", "{\"a\":\""]
        from unit in Units
        select (prefix, unit);

    private static ReplyParser Parser(ToolCallFormat format, int maxCallLength) =>
        ReplyParser.Create(new ReplyFormat(format, ReasoningFormat.Think),
            new ReplyParserOptions { Tools = ToolFile.Own, MaxCallLength = maxCallLength });
}
