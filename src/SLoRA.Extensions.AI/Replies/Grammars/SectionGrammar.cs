using SLoRA.Extensions.AI.Replies.Json;
using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>
/// A section of calls between markers of their own: name, separator and a JSON object of arguments; or a kind, separator, name and the
/// object in a code fence.
/// </summary>
internal sealed class SectionGrammar(SectionMarkers markers) : CallGrammar
{
    private const string Fence = "```";

    private Place _place = Place.Between;
    private JsonBody _body = new();
    private string _name = "";
    private bool _isFenced;
    private ToolCall? _call;

    private enum Place
    {
        Between,
        FirstName,
        Separator,
        SecondName,
        Fence,
        Arguments,
        FenceEnd,
        End,
    }

    public override Outcome Read(HeldText text)
    {
        while (true)
        {
            Outcome? outcome = _place switch
            {
                Place.Between => Between(text),
                Place.FirstName => After(WrittenName.TakeFunction(text, out _name), Place.Separator),
                Place.Separator => Separator(text),
                Place.SecondName => SecondName(text),
                Place.Fence => OpenFence(text),
                Place.Arguments => Arguments(text),
                Place.FenceEnd => FenceEnd(text),
                _ => End(text),
            };
            if (outcome is { } decided)
            {
                return decided;
            }
        }
    }

    // Null goes on at the next place.
    private Outcome? After(Match match, Place next)
    {
        if (match != Match.Yes)
        {
            return Unless(match);
        }

        _place = next;
        return null;
    }

    private Outcome? Between(HeldText text)
    {
        text.SkipSpace();
        Match begin = text.Take(markers.CallBegin);
        if (begin == Match.Undecided)
        {
            return Outcome.More;
        }

        if (begin == Match.Yes || !HasFound)
        {
            return After(begin, Place.FirstName);
        }

        Match end = text.TakeClosing(markers.SectionEnd);
        if (end == Match.Undecided)
        {
            return Outcome.More;
        }

        // Text behind the calls, with the whitespace before it.
        text.Position = end == Match.Yes ? text.Position : 0;
        return Outcome.Done;
    }

    private Outcome? Separator(HeldText text)
    {
        text.SkipSpace();
        return After(text.Take(markers.Separator), Place.SecondName);
    }

    private Outcome? SecondName(HeldText text)
    {
        text.SkipSpace();
        if (text.AtEnd)
        {
            return Unless(text.Missing);
        }

        _isFenced = text.Current != '{';
        return _isFenced ? After(WrittenName.TakeFunction(text, out _name), Place.Fence) : After(Match.Yes, Place.Arguments);
    }

    private Outcome? OpenFence(HeldText text)
    {
        text.SkipSpace();
        return After(text.Take(Fence + "json"), Place.Arguments);
    }

    private Outcome? Arguments(HeldText text)
    {
        Match body = _body.Take(text);
        if (body == Match.Yes)
        {
            string? arguments = CallObject.ReadArguments(_body.Of(text));
            (string name, string? id) = markers.NameOf(_name);
            _call = arguments is null || name.Length == 0 ? null : new ToolCall(name, arguments, id);
            body = _call is null ? Match.No : Match.Yes;
        }

        return After(body, _isFenced ? Place.FenceEnd : Place.End);
    }

    private Outcome? FenceEnd(HeldText text)
    {
        text.SkipSpace();
        return After(text.TakeClosing(Fence), Place.End);
    }

    private Outcome? End(HeldText text)
    {
        text.SkipSpace();
        Match end = text.TakeClosing(markers.CallEnd);
        if (end == Match.Yes)
        {
            Found(_call!, text);
            _body = new JsonBody();
        }

        return After(end, Place.Between);
    }
}
