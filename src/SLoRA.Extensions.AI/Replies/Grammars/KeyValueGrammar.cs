using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>
/// A function's name and pairs of <c>arg_key</c> and <c>arg_value</c>, values as they are between their tags, up to an end marker.
/// </summary>
/// <param name="start">The marker that begins a block.</param>
/// <param name="end">The marker that ends it.</param>
/// <param name="tools">Where the types of values are declared.</param>
internal sealed class KeyValueGrammar(string start, string end, DeclaredTools tools) : CallGrammar
{
    private const string ValueClose = "</arg_value>";

    private static readonly MarkerSearch ValueEnds = new(ValueClose);

    private Place _place = Place.Name;
    private ArgumentValues? _arguments;
    private RawValue _value = new(ValueEnds);
    private string _name = "";
    private bool _hasValues;

    private enum Place
    {
        Name,
        Pair,
        Key,
        KeyClose,
        ValueOpen,
        Value,
    }

    public override Outcome Read(HeldText text)
    {
        while (true)
        {
            Outcome? outcome = _place switch
            {
                Place.Name => Name(text),
                Place.Pair => Pair(text),
                Place.Key => After(WrittenName.TakeParameter(text, out _name), Place.KeyClose),
                Place.KeyClose => After(text.Take("</arg_key>"), Place.ValueOpen),
                Place.ValueOpen => ValueOpen(text),
                _ => Value(text),
            };
            if (outcome is { } decided)
            {
                return decided;
            }
        }
    }

    public override void Abandon(HeldText text)
    {
        if (_hasValues)
        {
            text.DeadEnd = Math.Max(text.DeadEnd, text.Origin + text.Position);
        }
    }

    private Outcome? After(Match match, Place next)
    {
        if (match != Match.Yes)
        {
            return Unless(match);
        }

        _place = next;
        return null;
    }

    private Outcome? Name(HeldText text)
    {
        Match match = WrittenName.TakeFunction(text, out string name);
        _arguments = match == Match.Yes ? new ArgumentValues(tools, name) : null;
        return After(match, Place.Pair);
    }

    private Outcome? Pair(HeldText text)
    {
        text.SkipSpace();
        Match open = text.Take("<arg_key>");
        if (open != Match.No)
        {
            return After(open, Place.Key);
        }

        // Without a pair nothing but the end marker tells a name from the beginning of a longer one.
        Match close = _hasValues ? text.TakeClosing(end) : text.Take(end);
        Match next = close == Match.No ? text.Sees(start) : close;
        if (next != Match.Yes)
        {
            return Unless(next);
        }

        Found(_arguments!.ToCall(), text);
        return Outcome.Done;
    }

    private Outcome? ValueOpen(HeldText text)
    {
        text.SkipSpace();
        return After(text.Take("<arg_value>"), Place.Value);
    }

    private Outcome? Value(HeldText text)
    {
        Match match = _value.Take(text, out int from);
        _hasValues |= match != Match.No;
        if (match != Match.Yes)
        {
            return Unless(match);
        }

        _arguments!.Add(_name, text.Span[from..text.Position]);
        _value = new RawValue(ValueEnds);
        text.Take(ValueClose);
        return After(Match.Yes, Place.Pair);
    }
}
