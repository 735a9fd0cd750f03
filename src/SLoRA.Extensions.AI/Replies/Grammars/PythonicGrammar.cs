using SLoRA.Extensions.AI.Replies.Python;
using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>
/// A Python list of calls, perhaps with <c>&lt;|python_end|&gt;</c> behind it. Its last bracket decides whether they are calls.
/// </summary>
/// <param name="declared">The names that are calls; null for any name.</param>
internal sealed class PythonicGrammar(DeclaredTools? declared) : CallGrammar
{
    private readonly PythonScanner _scanner = new();
    private Place _place = Place.Open;
    private int _from;
    private List<ToolCall> _calls = [];

    private enum Place
    {
        Open,
        Name,
        List,
        End,
    }

    public override Outcome Read(HeldText text)
    {
        while (true)
        {
            switch (_place)
            {
                case Place.Open:
                    text.SkipSpace();
                    _from = text.Position;
                    Match open = text.Take("[");
                    if (open != Match.Yes)
                    {
                        return Unless(open);
                    }

                    _place = Place.Name;
                    break;
                case Place.Name:
                    // Links, citations and lists of values are told apart here, so that they need not wait for their last bracket.
                    Match name = WrittenName.TakeFunction(text, out string function);
                    if (name != Match.Yes || (declared is not null && !declared.Has(function)))
                    {
                        return Unless(name == Match.Undecided ? name : Match.No);
                    }

                    text.Position = _from;
                    _place = Place.List;
                    break;
                case Place.List:
                    Match list = _scanner.Scan(text.Rest, out int read);
                    text.Position += read;
                    if (list != Match.Yes)
                    {
                        return Unless(list == Match.Undecided ? text.Missing : list);
                    }

                    if (PythonCalls.Read(text.Span[_from..text.Position].ToString(), declared) is not { } calls)
                    {
                        return Outcome.Failed;
                    }

                    _calls = calls;
                    _place = Place.End;
                    break;
                default:
                    return End(text);
            }
        }
    }

    private Outcome End(HeldText text)
    {
        int behind = text.Position;
        text.SkipSpace();
        Match end = text.TakeClosing("<|python_end|>");
        if (end == Match.Undecided)
        {
            return Outcome.More;
        }

        text.Position = end == Match.Yes ? text.Position : behind;
        foreach (ToolCall call in _calls)
        {
            Found(call, text);
        }

        return Outcome.Done;
    }
}
