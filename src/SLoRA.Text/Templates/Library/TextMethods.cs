using System.Collections.Frozen;

namespace SLoRA.Text.Templates;

/// <summary>The methods of text. On <see cref="Markup"/> the results are markup again, and what is inserted is escaped.</summary>
internal static class TextMethods
{
    private delegate object? Method(Rendering r, object text, bool markup, object?[] a);

    private static readonly FrozenDictionary<string, (Parameters Parameters, Method Body)> Methods =
        new Dictionary<string, (Parameters, Method)>
        {
            ["upper"] = Characters("upper", Casing.Upper),
            ["lower"] = Characters("lower", Casing.Lower),
            ["title"] = Characters("title", Casing.Title),
            ["capitalize"] = Characters("capitalize", Casing.Capitalize),
            ["swapcase"] = Characters("swapcase", Casing.Swap),
            ["casefold"] = Characters("casefold", Casing.Fold),
            ["strip"] = Of("strip", "chars=none, /", (r, s, _, a) => TextEdits.Strip(r, s, a[0], true, true)),
            ["lstrip"] = Of("lstrip", "chars=none, /", (r, s, _, a) => TextEdits.Strip(r, s, a[0], true, false)),
            ["rstrip"] = Of("rstrip", "chars=none, /", (r, s, _, a) => TextEdits.Strip(r, s, a[0], false, true)),
            ["replace"] = Of("replace", "old, new, count=-1, /", (r, s, m, a) =>
                TextEdits.Replace(r, s, Text.Of(r, a[0], "replace"), Inserted(r, a[1], m, "replace"), Text.Whole(r, a[2], "replace"))),
            ["removeprefix"] = Of("removeprefix", "prefix, /", (r, s, _, a) => WithoutAffix(s, Text.Of(r, a[0], "removeprefix"), true)),
            ["removesuffix"] = Of("removesuffix", "suffix, /", (r, s, _, a) => WithoutAffix(s, Text.Of(r, a[0], "removesuffix"), false)),
            ["split"] = Of("split", "sep=none, maxsplit=-1", (r, s, _, a) => TextSplits.Split(r, s, a[0], Text.Whole(r, a[1], "split"))),
            ["rsplit"] =
            Of("rsplit", "sep=none, maxsplit=-1", (r, s, _, a) => TextSplits.SplitFromEnd(r, s, a[0], Text.Whole(r, a[1], "rsplit"))),
            ["splitlines"] = Of("splitlines", "keepends=false", (r, s, _, a) => TextSplits.Lines(r, s, Truth.Of(a[0]))),
            ["partition"] = Of("partition", "sep, /", (r, s, _, a) => TextSplits.Partition(r, s, Separator(r, a[0]), false)),
            ["rpartition"] = Of("rpartition", "sep, /", (r, s, _, a) => TextSplits.Partition(r, s, Text.Of(r, a[0], "rpartition"), true)),
            ["join"] =
            Of("join", "iterable, /", (r, s, m, a) => TextEdits.Join(r, s, Iteration.Over(r, a[0]), item => Inserted(r, item, m, "join"))),
            ["startswith"] =
            Of("startswith", "prefix, start=none, end=none, /", (r, s, _, a) => TextSearch.HasAffix(r, s.ToString()!, a, true)),
            ["endswith"] =
                Of("endswith", "suffix, start=none, end=none, /", (r, s, _, a) => TextSearch.HasAffix(r, s.ToString()!, a, false)),
            ["find"] = Of("find", "sub, start=none, end=none, /", (r, s, _, a) => TextSearch.Find(r, s.ToString()!, a, false)),
            ["rfind"] = Of("rfind", "sub, start=none, end=none, /", (r, s, _, a) => TextSearch.Find(r, s.ToString()!, a, true)),
            ["index"] = Of("index", "sub, start=none, end=none, /", (r, s, _, a) => TextSearch.Index(r, s.ToString()!, a, false)),
            ["rindex"] = Of("rindex", "sub, start=none, end=none, /", (r, s, _, a) => TextSearch.Index(r, s.ToString()!, a, true)),
            ["count"] = Of("count", "sub, start=none, end=none, /", (r, s, _, a) => TextSearch.Count(r, s.ToString()!, a)),
            ["ljust"] =
                Of("ljust", "width, fillchar=' ', /", (r, s, m, a) => TextEdits.Pad(r, s, a[0], Inserted(r, a[1], m, "ljust"), '<')),
            ["rjust"] =
                Of("rjust", "width, fillchar=' ', /", (r, s, m, a) => TextEdits.Pad(r, s, a[0], Inserted(r, a[1], m, "rjust"), '>')),
            ["center"] =
                Of("center", "width, fillchar=' ', /", (r, s, m, a) => TextEdits.Pad(r, s, a[0], Inserted(r, a[1], m, "center"), '^')),
            ["zfill"] = Of("zfill", "width, /", (r, s, _, a) => TextEdits.ZeroFill(r, s, Text.Whole(r, a[0], "zfill"))),
            ["expandtabs"] = Of("expandtabs", "tabsize=8", (r, s, _, a) =>
                ContentText.From(r, TextEdits.ExpandTabs(r, s.ToString()!, Text.Whole(r, a[0], "expandtabs")), s)),
            ["isdigit"] = Test("isdigit", s => All(s, CharacterClasses.IsDigit)),
            ["isdecimal"] = Test("isdecimal", s => All(s, CharacterClasses.IsDecimal)),
            ["isnumeric"] = Test("isnumeric", s => All(s, CharacterClasses.IsNumeric)),
            ["isalpha"] = Test("isalpha", s => All(s, CharacterClasses.IsAlpha)),
            ["isalnum"] = Test("isalnum", s => All(s, CharacterClasses.IsAlphanumeric)),
            ["isspace"] = Test("isspace", s => All(s, CharacterClasses.IsSpace)),
            ["isprintable"] = Test("isprintable", s => s.Length == 0 || All(s, CharacterClasses.IsPrintable)),
            ["isascii"] = Test("isascii", s => System.Text.Ascii.IsValid(s)),
            ["isidentifier"] = Test("isidentifier", s => CharacterClasses.IsIdentifier(s)),
            ["isupper"] = Test("isupper", s => TextSearch.IsCase(s, true)),
            ["islower"] = Test("islower", s => TextSearch.IsCase(s, false)),
            ["istitle"] = Test("istitle", s => TextSearch.IsTitle(s)),
            ["format"] =
                Of("format", "*, **", (r, s, m, a) => BraceFormat.Apply(r, s, ((TemplateList)a[0]!).Items, (TemplateDict)a[1]!, m)),
            ["format_map"] = Of("format_map", "mapping, /", (r, s, m, a) => BraceFormat.Apply(r, s, [], a[0], m)),
            ["encode"] = Refused("encode"),
            ["translate"] = Refused("translate"),
            ["maketrans"] = Refused("maketrans"),
        }.ToFrozenDictionary();

    /// <summary>The method of a text by name, bound to it; null where there is none.</summary>
    public static Callable? Find(object owner, string name)
    {
        bool markup = owner is Markup;
        object text = owner is Markup safe ? safe.Plain : owner;
        if (markup && name is "striptags" or "unescape")
        {
            return name == "striptags" && markup
                ? new NativeCallable(new Parameters(name, ""), (r, _) => ContentText.From(r, HtmlText.StripTags(r, text.ToString()!), text))
                : null;
        }

        return Methods.TryGetValue(name, out (Parameters Parameters, Method Body) method)
            ? new NativeCallable(method.Parameters, (r, a) => Call(r, method.Body, text, markup, a))
            : null;
    }

    private static object? Call(Rendering r, Method body, object text, bool markup, object?[] a)
    {
        foreach (object? argument in a)
        {
            r.Defined(argument);
        }

        r.Budget.Step(text.ToString()!.Length >> 6);
        object? result = body(r, text, markup, a);
        if (Types.IsText(result) && !ReferenceEquals(result, text))
        {
            r.Budget.Characters(result!.ToString()!.Length);
        }

        return markup ? Marked(result) : result;
    }

    private static object? Marked(object? result) => result switch
    {
        string or ContentText => Markup.Of(result),
        TemplateList list => new TemplateList(Array.ConvertAll(list.Items, Marked)),
        TemplateTuple tuple => new TemplateTuple(Array.ConvertAll(tuple.Items, Marked)),
        _ => result,
    };

    private static object Inserted(Rendering r, object? value, bool markup, string function)
    {
        if (markup && function == "join" && !Types.IsText(value))
        {
            return Markup.Escaped(Representation.TextOf(r, value));
        }

        Text.Of(r, value, function);
        return markup && value is not Markup ? Markup.Escaped(value!) : value is Markup safe ? safe.Plain : value!;
    }

    private static object Separator(Rendering r, object? value)
    {
        Text.Of(r, value, "partition");
        return value is Markup safe ? safe.Plain : value!;
    }

    private static object WithoutAffix(object text, string affix, bool start)
    {
        string characters = text.ToString()!;
        if (!(start ? characters.StartsWith(affix, StringComparison.Ordinal) : characters.EndsWith(affix, StringComparison.Ordinal)))
        {
            return text;
        }

        return start
            ? ContentText.Slice(text, affix.Length, characters.Length)
            : ContentText.Slice(text, 0, characters.Length - affix.Length);
    }

    private static bool All(string text, Func<int, bool> test)
    {
        for (int i = 0; i < text.Length; i += CodePoints.Width(text, i))
        {
            if (!test(CodePoints.At(text, i)))
            {
                return false;
            }
        }

        return text.Length > 0;
    }

    private static (Parameters Parameters, Method Body) Of(string name, string signature, Method body) =>
        (new Parameters(name, signature), body);

    // Characters from characters, without a trace of which came from which.
    private static (Parameters Parameters, Method Body) Characters(string name, Func<string, string> edit) =>
        Of(name, "", (r, text, _, _) =>
        {
            string characters = text.ToString()!;
            r.Budget.PerCharacter(characters);
            return ContentText.From(r, edit(characters), text);
        });

    private static (Parameters Parameters, Method Body) Test(string name, Func<string, bool> test) =>
        Of(name, "", (_, text, _, _) => test(text.ToString()!));

    private static (Parameters Parameters, Method Body) Refused(string name) =>
        Of(name, "*, **", (r, _, _, _) => throw r.Runtime($"the text method '{name}' is not supported"));
}
