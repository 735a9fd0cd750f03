using System.Text;
using System.Text.Json;
using SLoRA.Extensions.AI.Replies;

namespace SLoRA.Extensions.AI.Tests.Replies;

/// <summary>What came out of an answer: its text, its thoughts, its calls.</summary>
public sealed record ReplyResult(string Text, string Reasoning, IReadOnlyList<ToolCallPart> Calls)
{
    /// <summary>Reads an answer that arrives in pieces.</summary>
    public static ReplyResult Of(ReplyParser parser, IEnumerable<string> pieces)
    {
        var gathered = new Gathered();
        foreach (string piece in pieces)
        {
            gathered.Add(parser.Push(piece));
        }

        gathered.Add(parser.Complete());
        return gathered.Result;
    }

    /// <summary>The same with one line per call, to be compared as a whole.</summary>
    public override string ToString() =>
        $"text {JsonSerializer.Serialize(Text)}, reasoning {JsonSerializer.Serialize(Reasoning)}, calls " +
        string.Join("; ", Calls.Select(call => $"{call.Index} {call.Name} {call.Arguments}"));

    /// <summary>Collects parts one by one.</summary>
    public sealed class Gathered
    {
        private readonly StringBuilder _text = new();
        private readonly StringBuilder _reasoning = new();
        private readonly List<ToolCallPart> _calls = [];

        public string Text => _text.ToString();

        public ReplyResult Result => new(_text.ToString(), _reasoning.ToString(), _calls);

        public void Add(IReadOnlyList<ReplyPart> parts)
        {
            foreach (ReplyPart part in parts)
            {
                switch (part)
                {
                    case TextPart text:
                        _text.Append(text.Text);
                        break;
                    case ReasoningPart reasoning:
                        _reasoning.Append(reasoning.Text);
                        break;
                    case ToolCallPart call:
                        _calls.Add(call);
                        break;
                }
            }
        }
    }
}
