using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>Functions and parameters in tags, values as they are between them. A call ends with its function's closing tag.</summary>
/// <param name="syntax">The tags.</param>
/// <param name="tools">Where the types of values are declared.</param>
/// <param name="startsInFunction">
/// Whether the block's own start was left out: a function's name comes next, and it has to be a declared one.
/// </param>
internal sealed class TagGrammar(TagSyntax syntax, DeclaredTools tools, bool startsInFunction) : CallGrammar
{
    private Place _place = startsInFunction ? Place.FunctionName : Place.Function;
    private ArgumentValues? _arguments;
    private RawValue _value = new(syntax.ValueEnds);
    private string _name = "";
    private bool _hasValues;

    private enum Place
    {
        Function,
        FunctionName,
        FunctionNameEnd,
        Parameter,
        Key,
        KeyEnd,
        Value,
    }

    public override Outcome Read(HeldText text)
    {
        while (true)
        {
            Outcome? outcome = _place switch
            {
                Place.Function => Function(text),
                Place.FunctionName => After(WrittenName.TakeFunction(text, out _name), Place.FunctionNameEnd),
                Place.FunctionNameEnd => FunctionNameEnd(text),
                Place.Parameter => Parameter(text),
                Place.Key => After(WrittenName.TakeParameter(text, out _name), Place.KeyEnd),
                Place.KeyEnd => After(text.Take(syntax.NameEnd), Place.Value),
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

    private Outcome? Function(HeldText text)
    {
        text.SkipSpace();
        Match open = text.Take(syntax.FunctionOpen);
        if (open == Match.Undecided)
        {
            return Outcome.More;
        }

        if (open == Match.Yes || !HasFound)
        {
            return After(open, Place.FunctionName);
        }

        Match close = text.TakeClosing(syntax.BlockClose);
        if (close == Match.Undecided)
        {
            return Outcome.More;
        }

        // Text behind the calls, with the whitespace before it.
        text.Position = close == Match.Yes ? text.Position : 0;
        return Outcome.Done;
    }

    private Outcome? FunctionNameEnd(HeldText text)
    {
        if (startsInFunction && !tools.Has(_name))
        {
            return Outcome.Failed;
        }

        _arguments = new ArgumentValues(tools, _name);
        return After(text.Take(syntax.NameEnd), Place.Parameter);
    }

    private Outcome? Parameter(HeldText text)
    {
        text.SkipSpace();
        Match open = text.Take(syntax.ParameterOpen);
        if (open != Match.No)
        {
            return After(open, Place.Key);
        }

        Match close = text.Take(syntax.FunctionClose);
        if (close == Match.Yes)
        {
            _hasValues = false;
            Found(_arguments!.ToCall(), text);
        }

        return After(close, Place.Function);
    }

    private Outcome? Value(HeldText text)
    {
        Match match = _value.Take(text, out int from);
        _hasValues |= match != Match.No;
        if (match != Match.Yes)
        {
            return Unless(match);
        }

        ReadOnlySpan<char> value = text.Span[from..text.Position];
        if (syntax.HasValuesOnLines)
        {
            value = value.StartsWith('\n') ? value[1..] : value;
            value = value.EndsWith('\n') ? value[..^1] : value;
        }

        _arguments!.Add(_name, value);
        _value = new RawValue(syntax.ValueEnds);
        text.Take(syntax.ParameterClose);
        return After(Match.Yes, Place.Parameter);
    }
}
