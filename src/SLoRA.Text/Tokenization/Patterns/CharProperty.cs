using System.Globalization;
using SLoRA.Text.Tokenization.Unicode;

namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>The names of character properties and POSIX classes in expressions.</summary>
internal static class CharProperty
{
    private static readonly Dictionary<string, Func<int, bool>> Known = MakeKnown();

    /// <summary>
    /// The predicate of a property, or null when the name is not known. Case, spaces, dashes and underscores do not count.
    /// </summary>
    /// <param name="name">As it stands in the expression.</param>
    /// <param name="inBrackets">Whether it stands inside a set; see <see cref="IsWordType"/>.</param>
    public static Func<int, bool>? Find(string name, bool inBrackets)
    {
        string plain = Plain(name);
        return plain == "word" && !inBrackets ? IsWordType : Known.GetValueOrDefault(plain);
    }

    /// <summary>
    /// The predicate of a class in brackets, such as [:alpha:]. Its punctuation has the symbols too, which the property lacks.
    /// </summary>
    public static Func<int, bool>? FindPosix(string name) => name switch
    {
        "punct" => Known["posixpunct"],
        "alnum" or "alpha" or "ascii" or "blank" or "cntrl" or "digit" or "graph" or "lower" or "print" or "space" or "upper" or "xdigit"
            or "word" => Known[name],
        _ => null,
    };

    /// <summary>
    /// What \w, \W, \b and \B, and \p{Word} outside of brackets, take for a word character: the property Word, and the six numbers of
    /// Latin-1 that are no digits (² ³ ¹ ¼ ½ ¾). Oniguruma answers for Latin-1 from a table of its own there, and from the property inside
    /// brackets.
    /// </summary>
    public static bool IsWordType(int codePoint) =>
        codePoint is 0xB2 or 0xB3 or 0xB9 or (>= 0xBC and <= 0xBE) || CharClass.IsWord(codePoint);

    private static string Plain(string name) => name.Replace(" ", "").Replace("-", "").Replace("_", "").ToLowerInvariant();

    private static Dictionary<string, Func<int, bool>> MakeKnown()
    {
        var known = new Dictionary<string, Func<int, bool>>();
        foreach (string script in RangeTable.Scripts.Names)
        {
            known[Plain(script)] = c => ReferenceEquals(RangeTable.Scripts.Find(c), script);
        }

        known["unknown"] = c => RangeTable.Scripts.Find(c) is null;

        void Category(uint mask, params string[] names)
        {
            foreach (string name in names)
            {
                known[name] = c => (CharClass.Bit(c) & mask) != 0;
            }
        }

        static uint Of(params UnicodeCategory[] categories) => categories.Aggregate(0u, (mask, category) => mask | (1u << (int)category));

        Category(CharClass.Letter, "l", "letter");
        Category(Of(UnicodeCategory.UppercaseLetter), "lu", "uppercaseletter");
        Category(Of(UnicodeCategory.LowercaseLetter), "ll", "lowercaseletter");
        Category(Of(UnicodeCategory.TitlecaseLetter), "lt", "titlecaseletter");
        Category(Of(UnicodeCategory.ModifierLetter), "lm", "modifierletter");
        Category(Of(UnicodeCategory.OtherLetter), "lo", "otherletter");
        Category(
            Of(UnicodeCategory.UppercaseLetter, UnicodeCategory.LowercaseLetter, UnicodeCategory.TitlecaseLetter), "lc", "casedletter");
        Category(CharClass.Mark, "m", "mark", "combiningmark");
        Category(Of(UnicodeCategory.NonSpacingMark), "mn", "nonspacingmark");
        Category(Of(UnicodeCategory.SpacingCombiningMark), "mc", "spacingmark");
        Category(Of(UnicodeCategory.EnclosingMark), "me", "enclosingmark");
        Category(CharClass.Number, "n", "number");
        Category(Of(UnicodeCategory.DecimalDigitNumber), "nd", "decimalnumber", "digit");
        Category(Of(UnicodeCategory.LetterNumber), "nl", "letternumber");
        Category(Of(UnicodeCategory.OtherNumber), "no", "othernumber");
        Category(CharClass.Punctuation, "p", "punctuation", "punct");
        Category(Of(UnicodeCategory.ConnectorPunctuation), "pc", "connectorpunctuation");
        Category(Of(UnicodeCategory.DashPunctuation), "pd", "dashpunctuation");
        Category(Of(UnicodeCategory.OpenPunctuation), "ps", "openpunctuation");
        Category(Of(UnicodeCategory.ClosePunctuation), "pe", "closepunctuation");
        Category(Of(UnicodeCategory.InitialQuotePunctuation), "pi", "initialpunctuation");
        Category(Of(UnicodeCategory.FinalQuotePunctuation), "pf", "finalpunctuation");
        Category(Of(UnicodeCategory.OtherPunctuation), "po", "otherpunctuation");
        Category(CharClass.Symbol, "s", "symbol");
        Category(Of(UnicodeCategory.MathSymbol), "sm", "mathsymbol");
        Category(Of(UnicodeCategory.CurrencySymbol), "sc", "currencysymbol");
        Category(Of(UnicodeCategory.ModifierSymbol), "sk", "modifiersymbol");
        Category(Of(UnicodeCategory.OtherSymbol), "so", "othersymbol");
        Category(CharClass.Separator, "z", "separator");
        Category(Of(UnicodeCategory.SpaceSeparator), "zs", "spaceseparator");
        Category(Of(UnicodeCategory.LineSeparator), "zl", "lineseparator");
        Category(Of(UnicodeCategory.ParagraphSeparator), "zp", "paragraphseparator");
        uint other = Of(UnicodeCategory.Control, UnicodeCategory.Format, UnicodeCategory.Surrogate, UnicodeCategory.PrivateUse,
            UnicodeCategory.OtherNotAssigned);
        Category(other, "c", "other");
        Category(Of(UnicodeCategory.Control), "cc", "control", "cntrl");
        Category(Of(UnicodeCategory.Format), "cf", "format");
        Category(Of(UnicodeCategory.OtherNotAssigned), "cn", "unassigned");
        Category(Of(UnicodeCategory.PrivateUse), "co", "privateuse");
        Category(Of(UnicodeCategory.Surrogate), "cs", "surrogate");
        Category(~Of(UnicodeCategory.OtherNotAssigned), "assigned");
        Category(CharClass.Punctuation | CharClass.Symbol, "posixpunct");
        known["lower"] = known["lowercase"] = c =>
            CharClass.Category(c) == UnicodeCategory.LowercaseLetter || RangeTable.OtherCase.Find(c) == "Lowercase";
        known["upper"] = known["uppercase"] = c =>
            CharClass.Category(c) == UnicodeCategory.UppercaseLetter || RangeTable.OtherCase.Find(c) == "Uppercase";
        known["any"] = _ => true;
        known["ascii"] = c => c < 0x80;
        known["alpha"] = known["alphabetic"] = CharClass.IsAlphabetic;
        known["alnum"] = c => CharClass.IsAlphabetic(c) || (CharClass.Bit(c) & Of(UnicodeCategory.DecimalDigitNumber)) != 0;
        known["space"] = known["whitespace"] = CharClass.IsWhiteSpace;
        known["blank"] = c => c == '\t' || (CharClass.Bit(c) & Of(UnicodeCategory.SpaceSeparator)) != 0;
        known["word"] = CharClass.IsWord;
        known["xdigit"] = known["asciihexdigit"] = c => c < 0x80 && char.IsAsciiHexDigit((char)c);
        uint invisible = Of(UnicodeCategory.Control, UnicodeCategory.Surrogate, UnicodeCategory.OtherNotAssigned);
        known["graph"] = c => !CharClass.IsWhiteSpace(c) && (CharClass.Bit(c) & invisible) == 0;
        known["print"] = c => known["graph"](c) || (CharClass.Bit(c) & Of(UnicodeCategory.SpaceSeparator)) != 0;
        return known;
    }
}
