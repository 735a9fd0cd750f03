using System.Text.Json;
using SLoRA.Extensions.AI.Replies;
using SLoRA.Extensions.AI.Replies.Python;
using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Tests.Replies.Python;

public sealed class PythonCallsTests
{
    [TestCase("1", "1")]
    [TestCase("-4.50", "-4.50")]
    [TestCase("+7", "7")]
    [TestCase(".5", "0.5")]
    [TestCase("5.", "5.0")]
    [TestCase("-.5e-3", "-0.5e-3")]
    [TestCase("1E+3", "1E+3")]
    [TestCase("123456789012345678901234567890", "123456789012345678901234567890")]
    [TestCase("'a'", "\"a\"")]
    [TestCase("'a' \"b\"'''c'''", "\"abc\"")]
    [TestCase("''", "\"\"")]
    [TestCase("''''a'b'''", "\"'a'b\"")]
    [TestCase("'\\101\\x42\\u0043\\U00000044\\\n\\q'", "\"ABCD\\\\q\"")]
    [TestCase("'\\ud83d\\ude00'", "\"😀\"")]
    [TestCase("(1, 'a')", "[1,\"a\"]")]
    [TestCase("(1,)", "[1]")]
    [TestCase("()", "[]")]
    [TestCase("(1)", "1")]
    [TestCase("[1, [True, None],]", "[1,[true,null]]")]
    [TestCase("{'a': 1, \"b\": {}, 'a': 2}", "{\"a\":2,\"b\":{}}")]
    [TestCase("null", "null")]
    public void Literals_become_JSON(string literal, string json)
    {
        string arguments = Read($"[f(a={literal})]")!.Single().Arguments;
        Assert.That(JsonEquality.AreEqual(JsonDocument.Parse(arguments).RootElement, JsonDocument.Parse($"{{\"a\":{json}}}").RootElement),
            arguments);
    }

    [TestCase("1 + 2")]
    [TestCase("1_000")]
    [TestCase("0x10")]
    [TestCase("01")]
    [TestCase("--1")]
    [TestCase("1j")]
    [TestCase("x")]
    [TestCase("f'x'")]
    [TestCase("b'x'")]
    [TestCase("g()")]
    [TestCase("[1 2]")]
    [TestCase("{1: 2}")]
    [TestCase("{1, 2}")]
    [TestCase("'\\x4'")]
    [TestCase("'\\ud83d'")]
    [TestCase("'\\U00110000'")]
    [TestCase("'\\N{BULLET}'")]
    [TestCase("")]
    [TestCase("[x for x in y]")]
    public void What_is_no_literal_makes_no_call(string expression) => Assert.That(Read($"[f(a={expression})]"), Is.Null);

    [TestCase("[]")]
    [TestCase("[f]")]
    [TestCase("[f(1)]")]
    [TestCase("[f(a)]")]
    [TestCase("[f()()]")]
    [TestCase("[1f()]")]
    [TestCase("[f(a=1) g()]")]
    public void What_is_no_list_of_calls_is_none(string text) => Assert.That(Read(text), Is.Null);

    [Test]
    public void A_name_may_have_dots() => Assert.That(
        Read("[api.weather.get(a=1), f()]"),
        Is.EqualTo(new[] { new ToolCall("api.weather.get", "{\"a\":1}"), new ToolCall("f", "{}") }));

    [TestCase("[f(a='] \\'x')] y", ExpectedResult = 14)]
    [TestCase("[f(a='''x''y'z''')] y", ExpectedResult = 19)]
    [TestCase("[f(a='', b=\"\")]]", ExpectedResult = 15)]
    [TestCase("[f(a='\\\\')]", ExpectedResult = 11)]
    [TestCase("[f(a=(']',))]", ExpectedResult = 13)]
    public int The_list_ends_at_its_own_bracket(string text)
    {
        Assert.That(new PythonScanner().Scan(text, out int read), Is.EqualTo(Match.Yes));
        return read;
    }

    [TestCase("[f(a=1}]")]
    [TestCase("[f(a='\n')]")]
    [TestCase("[f(a<1)]")]
    public void What_cannot_be_a_list_is_refused_before_its_end(string text) =>
        Assert.That(new PythonScanner().Scan(text, out _), Is.EqualTo(Match.No));

    private static List<ToolCall>? Read(string text) => PythonCalls.Read(text, declared: null);
}
