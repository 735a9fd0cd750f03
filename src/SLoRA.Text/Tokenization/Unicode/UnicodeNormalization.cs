using System.Buffers;

namespace SLoRA.Text.Tokenization.Unicode;

/// <summary>
/// Unicode's normal forms from tables of our own: the platform's depend on its globalization mode and leave texts as they are in the
/// invariant one.
/// </summary>
internal sealed class UnicodeNormalization
{
    private const int HangulFirst = 0xAC00;
    private const int LeadFirst = 0x1100;
    private const int VowelFirst = 0x1161;
    private const int TailFirst = 0x11A7;
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TailCount = 28;
    private const int HangulCount = LeadCount * VowelCount * TailCount;

    /// <summary>Below this nothing changes in NFC and NFD: no decomposition in NFC's quick check, no combining mark.</summary>
    private const char FirstComposing = '\u0300';

    private static readonly SearchValues<char> Plain = SearchValues.Create([.. Enumerable.Range(0, FirstComposing).Select(c => (char)c)]);

    private static readonly Lazy<UnicodeNormalization> Lazy = new(() => new UnicodeNormalization());

    private readonly Dictionary<int, int[]> _canonical = [];
    private readonly Dictionary<int, int[]> _compatible = [];
    private readonly Dictionary<long, int> _pairs = [];
    private readonly Dictionary<int, byte> _classes = [];
    private ulong[]? _active;

    private UnicodeNormalization()
    {
        foreach (string[] line in UnicodeResource.Lines("normalization.txt"))
        {
            int first = UnicodeResource.Hex(line[1]);
            switch (line[0])
            {
                case "D":
                    _canonical[first] = [.. line[2..].Select(UnicodeResource.Hex)];
                    break;
                case "K":
                    _compatible[first] = [.. line[2..].Select(UnicodeResource.Hex)];
                    break;
                case "P":
                    _pairs[Pair(UnicodeResource.Hex(line[2]), UnicodeResource.Hex(line[3]))] = first;
                    break;
                default:
                    for (int c = first; c <= UnicodeResource.Hex(line[2]); c++)
                    {
                        _classes[c] = byte.Parse(line[3]);
                    }

                    break;
            }
        }
    }

    public static UnicodeNormalization Instance => Lazy.Value;

    /// <summary>Whether a quick look shows that composing cannot change the text.</summary>
    public static bool IsSurelyComposed(ReadOnlySpan<char> text)
    {
        int at = text.IndexOfAnyExcept(Plain);
        return at < 0 || Instance.IsInert(text[at..]);
    }

    /// <summary>Whether the text holds no combining mark, as far as a quick look shows.</summary>
    public static bool IsSurelyWithoutMarks(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(Plain);

    /// <summary>Appends the decomposed text, marks in canonical order.</summary>
    public void Decompose(ReadOnlySpan<char> text, bool compatible, CharBuffer output)
    {
        var points = new List<int>(text.Length);
        DecomposeTo(text, compatible, points);
        foreach (int point in points)
        {
            output.AppendRune(point);
        }
    }

    /// <summary>Appends the text decomposed and composed again.</summary>
    public void Compose(ReadOnlySpan<char> text, bool compatible, CharBuffer output)
    {
        var points = new List<int>(text.Length);
        DecomposeTo(text, compatible, points);
        int starter = -1;
        int lastClass = -1;
        int kept = 0;
        for (int i = 0; i < points.Count; i++)
        {
            int point = points[i];
            int combining = Class(point);
            // A mark is blocked from its starter by a mark of the same or a higher class between them, a starter by anything.
            if (starter >= 0 && (lastClass < combining || lastClass == -1) && TryPair(points[starter], point, out int composed))
            {
                points[starter] = composed;
                continue;
            }

            if (combining == 0)
            {
                starter = kept;
                lastClass = -1;
            }
            else
            {
                lastClass = combining;
            }

            points[kept++] = point;
        }

        for (int i = 0; i < kept; i++)
        {
            output.AppendRune(points[i]);
        }
    }

    private bool IsInert(ReadOnlySpan<char> text)
    {
        ulong[] active = _active ??= FindActive();
        foreach (char c in text)
        {
            if (((active[c >> 6] >> (c & 63)) & 1) != 0)
            {
                return false;
            }
        }

        return true;
    }

    // Characters that composing may change or join with the one before; all surrogates count to them.
    private ulong[] FindActive()
    {
        ulong[] active = new ulong[1024];
        void Set(int point)
        {
            if (point < 0x10000)
            {
                active[point >> 6] |= 1UL << (point & 63);
            }
        }

        for (int c = 0xD800; c < 0xE000; c++)
        {
            Set(c);
        }

        for (int c = VowelFirst; c < VowelFirst + VowelCount; c++)
        {
            Set(c);
        }

        for (int c = TailFirst; c < TailFirst + TailCount; c++)
        {
            Set(c);
        }

        foreach (int point in _classes.Keys)
        {
            Set(point);
        }

        foreach (long pair in _pairs.Keys)
        {
            Set((int)(pair & 0x1FFFFF));
        }

        var composites = new HashSet<int>(_pairs.Values);
        foreach (int point in _canonical.Keys.Where(point => !composites.Contains(point)))
        {
            Set(point);
        }

        return active;
    }

    private static long Pair(int first, int second) => ((long)first << 21) | (uint)second;

    private int Class(int point) => point >= FirstComposing && _classes.TryGetValue(point, out byte value) ? value : 0;

    private void DecomposeTo(ReadOnlySpan<char> text, bool compatible, List<int> points)
    {
        int unordered = 0;
        for (int at = 0; at < text.Length;)
        {
            int point = CharClass.CodePoint(text, at, out int length);
            at += length;
            if (point < 0x80)
            {
                points.Add(point);
                continue;
            }

            if (point - HangulFirst is >= 0 and < HangulCount)
            {
                int index = point - HangulFirst;
                points.Add(LeadFirst + (index / (VowelCount * TailCount)));
                points.Add(VowelFirst + (index % (VowelCount * TailCount) / TailCount));
                if (index % TailCount != 0)
                {
                    points.Add(TailFirst + (index % TailCount));
                }

                continue;
            }

            if ((compatible && _compatible.TryGetValue(point, out int[]? parts))
                || _canonical.TryGetValue(point, out parts))
            {
                points.AddRange(parts);
            }
            else
            {
                points.Add(point);
            }
        }

        for (int i = 0; i <= points.Count; i++)
        {
            if (i < points.Count && Class(points[i]) != 0)
            {
                continue;
            }

            Order(points, unordered, i);
            unordered = i + 1;
        }
    }

    // Marks between two starters, stably by class. Runs are short but for hostile texts, which must not take quadratic time.
    private void Order(List<int> points, int start, int end)
    {
        if (end - start < 2)
        {
            return;
        }

        if (end - start > 32)
        {
            int[] sorted = [.. points.GetRange(start, end - start).OrderBy(Class)];
            for (int i = start; i < end; i++)
            {
                points[i] = sorted[i - start];
            }

            return;
        }

        for (int i = start + 1; i < end; i++)
        {
            int point = points[i];
            int combining = Class(point);
            int at = i;
            for (; at > start && Class(points[at - 1]) > combining; at--)
            {
                points[at] = points[at - 1];
            }

            points[at] = point;
        }
    }

    private bool TryPair(int first, int second, out int composed)
    {
        if (first - LeadFirst is >= 0 and < LeadCount && second - VowelFirst is >= 0 and < VowelCount)
        {
            composed = HangulFirst + ((((first - LeadFirst) * VowelCount) + second - VowelFirst) * TailCount);
            return true;
        }

        if (first - HangulFirst is >= 0 and < HangulCount && (first - HangulFirst) % TailCount == 0 && second - TailFirst is > 0
            and < TailCount)
        {
            composed = first + second - TailFirst;
            return true;
        }

        return _pairs.TryGetValue(Pair(first, second), out composed);
    }
}
