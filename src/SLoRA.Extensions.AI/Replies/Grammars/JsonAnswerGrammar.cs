using SLoRA.Extensions.AI.Replies.Json;
using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>
/// An answer that is nothing but JSON, in a code fence or without: calls of declared tools, all of them, or no call. Only the end of the
/// answer decides.
/// </summary>
internal sealed class JsonAnswerGrammar(DeclaredTools declared) : CallGrammar
{
    private const string Fence = "```";

    private readonly JsonBody _body = new(takesArray: true);
    private Place _place = Place.Start;
    private bool _isFenced;
    private string _json = "";

    private enum Place
    {
        Start,
        Language,
        Body,
        FenceEnd,
        End,
    }

    public override Outcome Read(HeldText text)
    {
        while (true)
        {
            switch (_place)
            {
                case Place.Start:
                    text.SkipSpace();
                    Match fence = text.Take(Fence);
                    if (fence == Match.Undecided)
                    {
                        return Outcome.More;
                    }

                    _isFenced = fence == Match.Yes;
                    _place = _isFenced ? Place.Language : Place.Body;
                    break;
                case Place.Language:
                    while (!text.AtEnd && (char.IsAsciiLetterOrDigit(text.Current) || text.Current is '_' or '-'))
                    {
                        text.Position++;
                    }

                    if (text.AtEnd)
                    {
                        return Unless(text.Missing);
                    }

                    _place = Place.Body;
                    break;
                case Place.Body:
                    Match body = _body.Take(text);
                    if (body != Match.Yes)
                    {
                        return Unless(body);
                    }

                    _json = _body.Of(text);
                    _place = _isFenced ? Place.FenceEnd : Place.End;
                    break;
                case Place.FenceEnd:
                    text.SkipSpace();
                    Match closing = text.TakeClosing(Fence);
                    if (closing != Match.Yes)
                    {
                        return Unless(closing);
                    }

                    _place = Place.End;
                    break;
                default:
                    text.SkipSpace();
                    return text.AtEnd && !text.IsComplete ? Outcome.More : Decide(text);
            }
        }
    }

    private Outcome Decide(HeldText text)
    {
        if (!text.AtEnd || CallObject.ReadAnswer(_json, declared) is not { } calls)
        {
            return Outcome.Failed;
        }

        foreach (ToolCall call in calls)
        {
            Found(call, text);
        }

        return Outcome.Done;
    }
}
