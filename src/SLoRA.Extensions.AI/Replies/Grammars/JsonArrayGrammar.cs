using SLoRA.Extensions.AI.Replies.Json;
using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>A JSON array of objects with name and arguments. The bracket ends the block, each object is a call when it ends.</summary>
/// <param name="isOpen">Whether the opening bracket is part of the start marker.</param>
internal sealed class JsonArrayGrammar(bool isOpen) : CallGrammar
{
    private Place _place = isOpen ? Place.First : Place.Open;
    private JsonBody _body = new();

    private enum Place
    {
        Open,
        First,
        Item,
        Separator,
    }

    public override Outcome Read(HeldText text)
    {
        while (true)
        {
            if (_place is Place.Item)
            {
                Match body = _body.Take(text);
                if (body != Match.Yes)
                {
                    return Unless(body);
                }

                if (CallObject.ReadMarked(_body.Of(text)) is not { } call)
                {
                    return Outcome.Failed;
                }

                Found(call, text);
                _place = Place.Separator;
            }

            text.SkipSpace();
            if (text.AtEnd)
            {
                // The last bracket may be cut off.
                return text.IsComplete && _place == Place.Separator ? Outcome.Done : Unless(text.Missing);
            }

            switch (_place, text.Current)
            {
                case (Place.Open, '['):
                    text.Position++;
                    _place = Place.First;
                    break;
                case (Place.First, ']') or (Place.Separator, ']'):
                    text.Position++;
                    return Outcome.Done;
                case (Place.First, '{'):
                    _place = Place.Item;
                    break;
                case (Place.Separator, ','):
                    text.Position++;
                    _body = new JsonBody();
                    _place = Place.Item;
                    break;
                default:
                    return Outcome.Failed;
            }
        }
    }
}
