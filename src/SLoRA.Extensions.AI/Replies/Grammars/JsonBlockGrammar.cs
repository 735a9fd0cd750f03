using SLoRA.Extensions.AI.Replies.Json;
using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>
/// One JSON object with name and arguments, up to an end marker. Where the next block starts instead, the call is complete too.
/// </summary>
/// <param name="start">The marker that begins a block.</param>
/// <param name="end">The marker that ends it.</param>
internal sealed class JsonBlockGrammar(string start, string end) : CallGrammar
{
    private readonly JsonBody _body = new();
    private ToolCall? _call;

    public override Outcome Read(HeldText text)
    {
        if (_call is null)
        {
            Match body = _body.Take(text);
            if (body != Match.Yes)
            {
                return Unless(body);
            }

            _call = CallObject.ReadMarked(_body.Of(text));
            if (_call is null)
            {
                return Outcome.Failed;
            }
        }

        text.SkipSpace();
        Match closing = text.TakeClosing(end);
        Match next = closing == Match.No ? text.Sees(start) : closing;
        if (next != Match.Yes)
        {
            return Unless(next);
        }

        Found(_call, text);
        return Outcome.Done;
    }
}
