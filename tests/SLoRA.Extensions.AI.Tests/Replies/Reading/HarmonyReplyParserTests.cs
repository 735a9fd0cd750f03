using SLoRA.Extensions.AI.Replies;

namespace SLoRA.Extensions.AI.Tests.Replies.Reading;

public sealed class HarmonyReplyParserTests
{
    [TestCase("Just text.", "Just text.", "")]
    [TestCase("<b>bold</b>", "<b>bold</b>", "")]
    [TestCase("<|start|>assistant<|channel|>final<|message|>Hi<|return|>", "Hi", "")]
    [TestCase("<|message|>Hi<|end|>", "Hi", "")]
    [TestCase("<|channel|>analysis to=python<|message|>print(1)<|call|>", "", "print(1)")]
    [TestCase("<|channel|>analysis to=browser.search code<|message|>{\"q\": 1}<|call|>", "", "{\"q\": 1}")]
    [TestCase("<|channel|>analysis<|message|>a<|start|>assistant<|channel|>final<|message|>b", "b", "a")]
    [TestCase("<|channel|>final<|message|>a<|channel|>b", "a<|channel|>b", "")]
    [TestCase("<|channel|>final<|message|>a<|end|> stray <|start|>assistant<|channel|>final<|message|>b", "a stray \nb", "")]
    [TestCase("<|channel|>final<|message|>a<|end|><|start|>assistant<|chan", "a<|start|>assistant<|chan", "")]
    [TestCase("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>fin", "<|start|>assistant<|channel|>fin", "a")]
    [TestCase("<|channel|><|channel|>final<|message|>a", "<|channel|>\na", "")]
    [TestCase("<|channel|>commentary to=functions.<|message|>{}<|call|>", "{}", "")]
    public void What_is_no_call_is_text_or_reasoning(string answer, string text, string reasoning)
    {
        Assert.That(Read(answer), Is.EqualTo(($"{text}", $"{reasoning}", 0)));
        Assert.That(Read([.. answer.Select(c => c.ToString())]), Is.EqualTo(($"{text}", $"{reasoning}", 0)));
    }

    [Test]
    public void A_header_that_does_not_end_is_text()
    {
        string answer = "<|channel|>" + new string('x', 3000) + "<|channel|>final<|message|>a";
        Assert.That(Read(answer), Is.EqualTo(("<|channel|>" + new string('x', 3000) + "\na", "", 0)));
    }

    [Test]
    public void Headers_that_do_not_end_are_read_once()
    {
        string[] units =
            ["<|channel|>", "<|start|>", "<|start|>a<|channel|>b", "<|channel|>a<|end|>", "<|channel|>final<|message|><|start|>"];
        foreach (string unit in units)
        {
            string answer = string.Concat(Enumerable.Repeat(unit, 3000));
            ReplyParser parser = Parser();
            parser.Push(answer);
            parser.Complete();
            Assert.That(parser.Held.Travelled, Is.LessThanOrEqualTo(3 * answer.Length), unit);
        }
    }

    private static ReplyParser Parser() => ReplyParser.Create(new ReplyFormat(ToolCallFormat.Harmony, ReasoningFormat.None));

    private static (string Text, string Reasoning, int Calls) Read(params string[] pieces)
    {
        ReplyResult result = ReplyResult.Of(Parser(), pieces);
        return (result.Text, result.Reasoning, result.Calls.Count);
    }
}
