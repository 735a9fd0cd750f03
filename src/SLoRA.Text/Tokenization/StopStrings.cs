namespace SLoRA.Text.Tokenization;

/// <summary>
/// Several stop strings as one automaton (Aho and Corasick): a state is the longest beginning of a stop string that the text ends with, and
/// a character costs the same however many strings there are. Immutable, so all streams of a condition share it.
/// </summary>
internal sealed class StopStrings
{
    /// <summary>The characters of all strings together.</summary>
    public const int MaxCharacters = 65_536;

    /// <summary>No string at all.</summary>
    public static readonly StopStrings None = new([]);

    private readonly Dictionary<long, int> _next = [];
    private readonly List<int> _lengths = [0];
    private readonly List<string?> _met = [null];
    private readonly int[] _failures;

    /// <exception cref="ArgumentException">A string is null or empty, or they are longer than <see cref="MaxCharacters"/>
    /// together.</exception>
    public StopStrings(IEnumerable<string> stops)
    {
        long characters = 0;
        foreach (string stop in stops)
        {
            if (string.IsNullOrEmpty(stop))
            {
                throw new ArgumentException(
                "A stop string is null or empty; it needs at least one character.", nameof(stops));
            }

            characters += stop.Length;
            if (characters > MaxCharacters)
            {
                throw new ArgumentException(
                $"The stop strings have more than {MaxCharacters} characters together.", nameof(stops));
            }

            Add(stop);
        }

        _failures = new int[_met.Count];
        Connect();
        Longest = _lengths.Max();
    }

    /// <summary>The length of the longest string; 0 where there is none.</summary>
    public int Longest { get; }

    /// <summary>The state after one more character; a text begins in state 0.</summary>
    public int Next(int state, char c)
    {
        int next;
        while (!_next.TryGetValue(Key(state, c), out next) && state != 0)
        {
            state = _failures[state];
        }

        return next;
    }

    /// <summary>How many characters at the end of the text may be the beginning of a stop string.</summary>
    public int Open(int state) => _lengths[state];

    /// <summary>The longest stop string that the text ends with, or null.</summary>
    public string? Met(int state) => _met[state];

    private static long Key(int state, char c) => ((long)state << 16) | c;

    private void Add(string stop)
    {
        int state = 0;
        foreach (char c in stop)
        {
            if (!_next.TryGetValue(Key(state, c), out int next))
            {
                next = _met.Count;
                _next.Add(Key(state, c), next);
                _lengths.Add(_lengths[state] + 1);
                _met.Add(null);
            }

            state = next;
        }

        _met[state] = stop;
    }

    // A state fails to the longest other one that its text ends with. Shorter states first: their failures are needed by the longer ones.
    private void Connect()
    {
        foreach ((long key, int state) in _next.OrderBy(edge => _lengths[edge.Value]))
        {
            int from = (int)(key >> 16);
            _failures[state] = from == 0 ? 0 : Next(_failures[from], (char)key);
            _met[state] ??= _met[_failures[state]];
        }
    }
}
