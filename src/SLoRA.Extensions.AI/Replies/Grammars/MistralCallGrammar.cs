using SLoRA.Extensions.AI.Replies.Json;
using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>
/// A name, perhaps <c>[CALL_ID]</c> and an id, perhaps <c>[ARGS]</c>, and a JSON object of arguments, which ends the block.
/// </summary>
internal sealed class MistralCallGrammar : CallGrammar
{
    private readonly JsonBody _body = new();
    private Place _place = Place.Name;
    private string _name = "";
    private string? _id;

    private enum Place
    {
        Name,
        IdMarker,
        Id,
        ArgumentsMarker,
        Arguments,
    }

    public override Outcome Read(HeldText text)
    {
        while (true)
        {
            switch (_place)
            {
                case Place.Name:
                    Match name = WrittenName.TakeFunction(text, out _name);
                    if (name != Match.Yes)
                    {
                        return Unless(name);
                    }

                    _place = Place.IdMarker;
                    break;
                case Place.IdMarker:
                    text.SkipSpace();
                    Match idMarker = text.Take("[CALL_ID]");
                    if (idMarker == Match.Undecided)
                    {
                        return Outcome.More;
                    }

                    _place = idMarker == Match.Yes ? Place.Id : Place.ArgumentsMarker;
                    break;
                case Place.Id:
                    Match id = WrittenName.TakeFunction(text, out string written);
                    if (id != Match.Yes)
                    {
                        return Unless(id);
                    }

                    _id = written;
                    _place = Place.ArgumentsMarker;
                    break;
                case Place.ArgumentsMarker:
                    text.SkipSpace();
                    if (text.Take("[ARGS]") == Match.Undecided)
                    {
                        return Outcome.More;
                    }

                    _place = Place.Arguments;
                    break;
                default:
                    Match body = _body.Take(text);
                    if (body != Match.Yes)
                    {
                        return Unless(body);
                    }

                    if (CallObject.ReadArguments(_body.Of(text)) is not { } arguments)
                    {
                        return Outcome.Failed;
                    }

                    Found(new ToolCall(_name, arguments, _id), text);
                    return Outcome.Done;
            }
        }
    }
}
