namespace SLoRA.Text.Tokenization.Unicode;

/// <summary>Ranges of code points with a name each, such as the Script property.</summary>
internal sealed class RangeTable
{
    private static readonly Lazy<RangeTable> LazyScripts = new(() => new RangeTable("scripts.txt"));
    private static readonly Lazy<RangeTable> LazyScripts9 = new(() => new RangeTable("scripts-9.txt"));
    private static readonly Lazy<RangeTable> LazyOtherAlphabetic = new(() => new RangeTable("other-alphabetic.txt"));
    private static readonly Lazy<RangeTable> LazyOtherCase = new(() => new RangeTable("other-case.txt"));

    private readonly int[] _firsts;
    private readonly int[] _lasts;
    private readonly string[] _names;

    private RangeTable(string resource)
    {
        string[][] lines = [.. UnicodeResource.Lines(resource)];
        _firsts = [.. lines.Select(line => UnicodeResource.Hex(line[0]))];
        _lasts = [.. lines.Select(line => UnicodeResource.Hex(line[1]))];
        _names = [.. lines.Select(line => string.Intern(line[2]))];
    }

    /// <summary>The Script property, for expressions.</summary>
    public static RangeTable Scripts => LazyScripts.Value;

    /// <summary>The Script property of Unicode 9, which the UnicodeScripts pre-tokenizer is defined with.</summary>
    public static RangeTable Scripts9 => LazyScripts9.Value;

    public static RangeTable OtherAlphabetic => LazyOtherAlphabetic.Value;

    /// <summary>What is lower or upper case by property and not by category.</summary>
    public static RangeTable OtherCase => LazyOtherCase.Value;

    public IEnumerable<string> Names => _names.Distinct();

    /// <summary>The name of a code point's range, or null. Equal names are the same object.</summary>
    public string? Find(int codePoint)
    {
        int at = Array.BinarySearch(_firsts, codePoint);
        if (at < 0)
        {
            at = ~at - 1;
        }

        return at >= 0 && codePoint <= _lasts[at] ? _names[at] : null;
    }
}
