using System.Text;
using SLoRA.Extensions.AI.Replies;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Chat;

/// <summary>What one more update of an answer has brought.</summary>
/// <param name="Text">Words for the user.</param>
/// <param name="Reasoning">Thoughts.</param>
/// <param name="Calls">Whole calls.</param>
/// <param name="FinishReason">Why the answer has ended, as OpenAI says it; null as long as it goes on.</param>
internal readonly record struct ReplyPiece(string Text, string Reasoning, IReadOnlyList<ToolCallPart> Calls, string? FinishReason)
{
    public bool IsEmpty => Text.Length == 0 && Reasoning.Length == 0 && Calls.Count == 0 && FinishReason is null;
}

/// <summary>Reads one answer while it arrives.</summary>
/// <param name="parser">Who tells text, thoughts and calls apart; null where all is text.</param>
/// <param name="mostCalls">How many calls are passed on; further ones are dropped.</param>
internal sealed class ReplyReader(ReplyParser? parser, int mostCalls)
{
    private int _calls;

    /// <summary>Takes an update of the answer.</summary>
    public ReplyPiece Read(in TextUpdate update)
    {
        if (parser is null)
        {
            return new ReplyPiece(update.Text, "", [], FinishReasonOf(update.End));
        }

        var text = new StringBuilder();
        var reasoning = new StringBuilder();
        var calls = new List<ToolCallPart>();
        Sort(parser.Push(update.Text), text, reasoning, calls);
        if (update.End is not null)
        {
            Sort(parser.Complete(), text, reasoning, calls);
        }

        return new ReplyPiece(text.ToString(), reasoning.ToString(), calls, FinishReasonOf(update.End));
    }

    private void Sort(IReadOnlyList<ReplyPart> parts, StringBuilder text, StringBuilder reasoning, List<ToolCallPart> calls)
    {
        foreach (ReplyPart part in parts)
        {
            switch (part)
            {
                case TextPart words:
                    text.Append(words.Text);
                    break;
                case ReasoningPart thoughts:
                    reasoning.Append(thoughts.Text);
                    break;
                case ToolCallPart call when _calls < mostCalls:
                    _calls++;
                    calls.Add(call);
                    break;
            }
        }
    }

    private string? FinishReasonOf(ContinuationEnd? end) => end switch
    {
        null => null,
        { Reason: FinishReason.Length } => "length",
        _ => _calls > 0 ? "tool_calls" : "stop",
    };
}
