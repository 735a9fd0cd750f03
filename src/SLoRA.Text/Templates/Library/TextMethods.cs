using System.Collections.Frozen;

namespace SLoRA.Text.Templates;

/// <summary>The methods of text. On <see cref="Markup"/> the results are markup again, and what is inserted is escaped.</summary>
internal static class TextMethods
{
    private delegate object? Method(Rendering r, string text, bool markup, object?[] a);

    private static readonly FrozenDictionary<string, (Parameters Parameters, Method Body)> Methods = new Dictionary<string, (Parameters, Method)>
    {
        ["upper"] = Of("upper", "", (_, s, _, _) => Casing.Upper(s)),
        ["lower"] = Of("lower", "", (_, s, _, _) => Casing.Lower(s)),
        ["title"] = Of("title", "", (_, s, _, _) => Casing.Title(s)),
        ["capitalize"] = Of("capitalize", "", (_, s, _, _) => Casing.Capitalize(s)),
        ["swapcase"] = Of("swapcase", "", (_, s, _, _) => Casing.Swap(s)),
        ["casefold"] = Of("casefold", "", (_, s, _, _) => Casing.Fold(s)),
        ["strip"] = Of("strip", "chars=none, /", (r, s, _, a) => TextEdits.Strip(r, s, a[0], true, true)),
        ["lstrip"] = Of("lstrip", "chars=none, /", (r, s, _, a) => TextEdits.Strip(r, s, a[0], true, false)),
        ["rstrip"] = Of("rstrip", "chars=none, /", (r, s, _, a) => TextEdits.Strip(r, s, a[0], false, true)),
        ["replace"] = Of("replace", "old, new, count=-1, /", (r, s, m, a) =>
            TextEdits.Replace(r, s, Text.Of(r, a[0], "replace"), Inserted(r, a[1], m, "replace"), Text.Whole(r, a[2], "replace"))),
        ["removeprefix"] = Of("removeprefix", "prefix, /", (r, s, _, a) =>
            s.StartsWith(Text.Of(r, a[0], "removeprefix"), StringComparison.Ordinal) ? s[a[0]!.ToString()!.Length..] : s),
        ["removesuffix"] = Of("removesuffix", "suffix, /", (r, s, _, a) =>
            s.EndsWith(Text.Of(r, a[0], "removesuffix"), StringComparison.Ordinal) ? s[..^a[0]!.ToString()!.Length] : s),
        ["split"] = Of("split", "sep=none, maxsplit=-1", (r, s, _, a) => TextSplits.Split(r, s, a[0], Text.Whole(r, a[1], "split"))),
        ["rsplit"] = Of("rsplit", "sep=none, maxsplit=-1", (r, s, _, a) => TextSplits.SplitFromEnd(r, s, a[0], Text.Whole(r, a[1], "rsplit"))),
        ["splitlines"] = Of("splitlines", "keepends=false", (r, s, _, a) => TextSplits.Lines(r, s, Truth.Of(a[0]))),
        ["partition"] = Of("partition", "sep, /", (r, s, _, a) => TextSplits.Partition(r, s, Text.Of(r, a[0], "partition"), false)),
        ["rpartition"] = Of("rpartition", "sep, /", (r, s, _, a) => TextSplits.Partition(r, s, Text.Of(r, a[0], "rpartition"), true)),
        ["join"] = Of("join", "iterable, /", (r, s, m, a) => TextEdits.Join(r, s, Iteration.Over(r, a[0]), item => Inserted(r, item, m, "join"))),
        ["startswith"] = Of("startswith", "prefix, start=none, end=none, /", (r, s, _, a) => TextSearch.HasAffix(r, s, a, true)),
        ["endswith"] = Of("endswith", "suffix, start=none, end=none, /", (r, s, _, a) => TextSearch.HasAffix(r, s, a, false)),
        ["find"] = Of("find", "sub, start=none, end=none, /", (r, s, _, a) => TextSearch.Find(r, s, a, false)),
        ["rfind"] = Of("rfind", "sub, start=none, end=none, /", (r, s, _, a) => TextSearch.Find(r, s, a, true)),
        ["index"] = Of("index", "sub, start=none, end=none, /", (r, s, _, a) => TextSearch.Index(r, s, a, false)),
        ["rindex"] = Of("rindex", "sub, start=none, end=none, /", (r, s, _, a) => TextSearch.Index(r, s, a, true)),
        ["count"] = Of("count", "sub, start=none, end=none, /", (r, s, _, a) => TextSearch.Count(r, s, a)),
        ["ljust"] = Of("ljust", "width, fillchar=' ', /", (r, s, m, a) => TextEdits.Pad(r, s, a[0], Inserted(r, a[1], m, "ljust"), '<')),
        ["rjust"] = Of("rjust", "width, fillchar=' ', /", (r, s, m, a) => TextEdits.Pad(r, s, a[0], Inserted(r, a[1], m, "rjust"), '>')),
        ["center"] = Of("center", "width, fillchar=' ', /", (r, s, m, a) => TextEdits.Pad(r, s, a[0], Inserted(r, a[1], m, "center"), '^')),
        ["zfill"] = Of("zfill", "width, /", (r, s, _, a) => TextEdits.ZeroFill(r, s, Text.Whole(r, a[0], "zfill"))),
        ["expandtabs"] = Of("expandtabs", "tabsize=8", (r, s, _, a) => TextEdits.ExpandTabs(r, s, Text.Whole(r, a[0], "expandtabs"))),
        ["isdigit"] = Of("isdigit", "", (_, s, _, _) => All(s, CharacterClasses.IsDigit)),
        ["isdecimal"] = Of("isdecimal", "", (_, s, _, _) => All(s, CharacterClasses.IsDecimal)),
        ["isnumeric"] = Of("isnumeric", "", (_, s, _, _) => All(s, CharacterClasses.IsNumeric)),
        ["isalpha"] = Of("isalpha", "", (_, s, _, _) => All(s, CharacterClasses.IsAlpha)),
        ["isalnum"] = Of("isalnum", "", (_, s, _, _) => All(s, CharacterClasses.IsAlphanumeric)),
        ["isspace"] = Of("isspace", "", (_, s, _, _) => All(s, CharacterClasses.IsSpace)),
        ["isprintable"] = Of("isprintable", "", (_, s, _, _) => s.Length == 0 || All(s, CharacterClasses.IsPrintable)),
        ["isascii"] = Of("isascii", "", (_, s, _, _) => System.Text.Ascii.IsValid(s)),
        ["isidentifier"] = Of("isidentifier", "", (_, s, _, _) => CharacterClasses.IsIdentifier(s)),
        ["isupper"] = Of("isupper", "", (_, s, _, _) => TextSearch.IsCase(s, true)),
        ["islower"] = Of("islower", "", (_, s, _, _) => TextSearch.IsCase(s, false)),
        ["istitle"] = Of("istitle", "", (_, s, _, _) => TextSearch.IsTitle(s)),
        ["format"] = Of("format", "*, **", (r, s, m, a) => BraceFormat.Apply(r, s, ((TemplateList)a[0]!).Items, (TemplateDict)a[1]!, m)),
        ["format_map"] = Of("format_map", "mapping, /", (r, s, m, a) => BraceFormat.Apply(r, s, [], a[0], m)),
        ["encode"] = Refused("encode"),
        ["translate"] = Refused("translate"),
        ["maketrans"] = Refused("maketrans"),
    }.ToFrozenDictionary();

    /// <summary>The method of a text by name, bound to it; null where there is none.</summary>
    public static Callable? Find(object owner, string name)
    {
        bool markup = owner is Markup;
        string text = owner.ToString()!;
        if (markup && name is "striptags" or "unescape")
            return name == "striptags" && markup ? new NativeCallable(new Parameters(name, ""), (r, _) => HtmlText.StripTags(r, text)) : null;
        return Methods.TryGetValue(name, out (Parameters Parameters, Method Body) method)
            ? new NativeCallable(method.Parameters, (r, a) => Call(r, method.Body, text, markup, a))
            : null;
    }

    private static object? Call(Rendering r, Method body, string text, bool markup, object?[] a)
    {
        foreach (object? argument in a)
            r.Defined(argument);
        r.Budget.Step(text.Length >> 6);
        object? result = body(r, text, markup, a);
        if (result is string made && !ReferenceEquals(made, text))
            r.Budget.Characters(made.Length);
        return markup ? Marked(result) : result;
    }

    private static object? Marked(object? result) => result switch
    {
        string s => new Markup(s),
        TemplateList list => new TemplateList(Array.ConvertAll(list.Items, Marked)),
        TemplateTuple tuple => new TemplateTuple(Array.ConvertAll(tuple.Items, Marked)),
        _ => result,
    };

    private static string Inserted(Rendering r, object? value, bool markup, string function) =>
        markup && value is not Markup ? Markup.Escape(Types.IsText(value) || function != "join" ? Text.Of(r, value, function) : Representation.Text(r, value))
        : Text.Of(r, value, function);

    private static bool All(string text, Func<int, bool> test)
    {
        for (int i = 0; i < text.Length; i += CodePoints.Width(text, i))
        {
            if (!test(CodePoints.At(text, i)))
                return false;
        }

        return text.Length > 0;
    }

    private static (Parameters Parameters, Method Body) Of(string name, string signature, Method body) => (new Parameters(name, signature), body);

    private static (Parameters Parameters, Method Body) Refused(string name) =>
        Of(name, "*, **", (r, _, _, _) => throw r.Runtime($"the text method '{name}' is not supported"));
}
