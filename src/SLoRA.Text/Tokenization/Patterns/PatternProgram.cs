namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>A compiled expression: the main part at 0, parts of look-arounds and atomic groups as programs of their own.</summary>
internal sealed class PatternProgram
{
    private const int MaxLookBehind = 60;

    private readonly List<PatternStep[]> _parts = [];
    private readonly Dictionary<PatternNode, CharSet?> _firsts = new(ReferenceEqualityComparer.Instance);
    private readonly string _source;
    private int _left;

    private PatternProgram(string source, int groups)
    {
        _source = source;
        // Repeats are written out, so a short expression can stand for a large program: what all expressions of a file take together
        // stays in proportion to the file.
        _left = 4000 + (20 * source.Length);
        // Registers 0 and 1 hold a start set by \K, the following pairs the groups, the last ones the starts of loop rounds.
        Registers = 2 + (2 * groups);
    }

    public int Registers { get; private set; }

    public IReadOnlyList<PatternStep[]> Parts => _parts;

    /// <summary>The code points a match can start with, or null when it can be empty or start with a look-around.</summary>
    public CharSet? First { get; private set; }

    public static PatternProgram Compile(string source)
    {
        PatternNode node = PatternParser.Parse(source, out int groups);
        var program = new PatternProgram(source, groups);
        program.Part(node);
        program.First = program.FirstOf(node);
        program._firsts.Clear();
        return program;
    }

    private TokenizerException Unsupported(string what) => TokenizerException.Unsupported($"The expression {Excerpt.Of(_source)} {what}.");

    private int Part(PatternNode node)
    {
        int index = _parts.Count;
        _parts.Add([]);
        var steps = new List<PatternStep>();
        Emit(node, steps);
        steps.Add(new PatternStep(PatternOp.Match));
        _parts[index] = [.. steps];
        return index;
    }

    private void Emit(PatternNode node, List<PatternStep> steps)
    {
        if (--_left < 0)
        {
            throw Unsupported("is too large once its repeats are written out");
        }

        switch (node)
        {
            case PatternNode.One one:
                steps.Add(new PatternStep(PatternOp.One, Set: one.Set));
                break;
            case PatternNode.Sequence sequence:
                foreach (PatternNode item in sequence.Items)
                {
                    Emit(item, steps);
                }

                break;
            case PatternNode.Choice choice:
                EmitChoice(choice, steps);
                break;
            case PatternNode.Repeat repeat:
                EmitRepeat(repeat, steps);
                break;
            case PatternNode.Capture capture:
                steps.Add(new PatternStep(PatternOp.Save, 2 * capture.Number));
                Emit(capture.Item, steps);
                steps.Add(new PatternStep(PatternOp.Save, (2 * capture.Number) + 1));
                break;
            case PatternNode.Again again:
                steps.Add(new PatternStep(PatternOp.Again, 2 * again.Number, again.IgnoreCase ? 1 : 0));
                break;
            case PatternNode.Atomic { Item: PatternNode.Repeat { Item: PatternNode.One one, Lazy: false } run }:
                steps.Add(new PatternStep(PatternOp.RunAtomic, run.Min, run.Max, one.Set));
                break;
            case PatternNode.Atomic atomic:
                steps.Add(new PatternStep(PatternOp.Atomic, Part(atomic.Item)));
                break;
            case PatternNode.Look { Behind: false } look:
                steps.Add(new PatternStep(PatternOp.Ahead, Part(look.Item), look.Negative ? 1 : 0));
                break;
            case PatternNode.Look look:
                (int min, int max) = Length(look.Item);
                if (max < 0)
                {
                    throw Unsupported("looks behind without a limit, which is not implemented");
                }

                if (max > MaxLookBehind)
                {
                    throw Unsupported($"looks {max} characters behind, and only {MaxLookBehind} are possible");
                }

                steps.Add(new PatternStep(PatternOp.Behind, Part(look.Item), look.Negative ? 1 : 0, Min: min, Max: max));
                break;
            case PatternNode.Place { Kind: PatternPlace.Keep }:
                steps.Add(new PatternStep(PatternOp.Save, 0));
                break;
            case PatternNode.Place place:
                steps.Add(new PatternStep(PatternOp.Place, (int)place.Kind));
                break;
        }
    }

    private void EmitChoice(PatternNode.Choice choice, List<PatternStep> steps)
    {
        var ends = new List<int>();
        for (int i = 0; i < choice.Items.Count; i++)
        {
            bool last = i == choice.Items.Count - 1;
            int split = steps.Count;
            // The set lets an alternative that cannot start here be passed over without a try.
            if (!last)
            {
                steps.Add(default);
            }

            Emit(choice.Items[i], steps);
            if (last)
            {
                break;
            }

            ends.Add(steps.Count);
            steps.Add(default);
            steps[split] = new PatternStep(PatternOp.Split, split + 1, steps.Count, FirstOf(choice.Items[i]));
        }

        foreach (int end in ends)
        {
            steps[end] = new PatternStep(PatternOp.Jump, steps.Count);
        }
    }

    private void EmitRepeat(PatternNode.Repeat repeat, List<PatternStep> steps)
    {
        if (repeat is { Item: PatternNode.One one, Lazy: false })
        {
            steps.Add(new PatternStep(PatternOp.Run, repeat.Min, repeat.Max, one.Set));
            return;
        }

        for (int i = 0; i < repeat.Min; i++)
        {
            Emit(repeat.Item, steps);
        }

        if (repeat.Max < 0)
        {
            int register = Registers++;
            int split = steps.Count;
            steps.Add(default);
            steps.Add(new PatternStep(PatternOp.Save, register));
            Emit(repeat.Item, steps);
            int leave = steps.Count;
            steps.Add(default);
            steps.Add(new PatternStep(PatternOp.Jump, split));
            steps[leave] = new PatternStep(PatternOp.LeaveIfEmpty, register, steps.Count);
            steps[split] = Branch(split + 1, steps.Count, repeat.Lazy);
            return;
        }

        var splits = new List<int>();
        for (int i = repeat.Min; i < repeat.Max; i++)
        {
            splits.Add(steps.Count);
            steps.Add(default);
            Emit(repeat.Item, steps);
        }

        foreach (int split in splits)
        {
            steps[split] = Branch(split + 1, steps.Count, repeat.Lazy);
        }
    }

    private static PatternStep Branch(int enter, int leave, bool lazy) =>
        lazy ? new PatternStep(PatternOp.Split, leave, enter) : new PatternStep(PatternOp.Split, enter, leave);

    // The set of first code points; null when the node can be empty or its start is not a plain set. Found once per node, as a repeat
    // writes the same node out many times, and each level of alternatives asks for those below.
    private CharSet? FirstOf(PatternNode node)
    {
        if (!_firsts.TryGetValue(node, out CharSet? first))
        {
            _firsts.Add(node, first = FindFirst(node));
        }

        return first;
    }

    private CharSet? FindFirst(PatternNode node)
    {
        switch (node)
        {
            case PatternNode.One one:
                return one.Set;
            case PatternNode.Capture capture:
                return FirstOf(capture.Item);
            case PatternNode.Atomic atomic:
                return FirstOf(atomic.Item);
            case PatternNode.Repeat repeat:
                return repeat.Min > 0 ? FirstOf(repeat.Item) : null;
            case PatternNode.Choice choice:
                var sets = new List<CharSet>();
                foreach (PatternNode item in choice.Items)
                {
                    if (FirstOf(item) is not CharSet set)
                    {
                        return null;
                    }

                    sets.Add(set);
                }

                return CharSet.Union(sets);
            case PatternNode.Sequence sequence:
                return FindFirst(sequence);
            default:
                return null;
        }
    }

    // Leading optional runs of a sequence add their set to that of what follows.
    private CharSet? FindFirst(PatternNode.Sequence sequence)
    {
        var sets = new List<CharSet>();
        foreach (PatternNode item in sequence.Items)
        {
            if (FirstOf(item) is CharSet set)
            {
                sets.Add(set);
                return CharSet.Union(sets);
            }

            if (item is not PatternNode.Repeat { Item: PatternNode.One one })
            {
                return null;
            }

            sets.Add(one.Set);
        }

        return null;
    }

    // Shortest and longest match in code points; -1 for no limit.
    private static (int Min, int Max) Length(PatternNode node)
    {
        switch (node)
        {
            case PatternNode.One:
                return (1, 1);
            case PatternNode.Capture capture:
                return Length(capture.Item);
            case PatternNode.Atomic atomic:
                return Length(atomic.Item);
            case PatternNode.Sequence sequence:
                return sequence.Items.Select(Length)
                    .Aggregate((0, 0), (a, b) => (Bounded(a.Item1 + b.Min), a.Item2 < 0 || b.Max < 0 ? -1 : Bounded(a.Item2 + b.Max)));
            case PatternNode.Choice choice:
                return choice.Items.Select(Length)
                    .Aggregate((a, b) => (Math.Min(a.Min, b.Min), a.Max < 0 || b.Max < 0 ? -1 : Math.Max(a.Max, b.Max)));
            case PatternNode.Repeat repeat:
                (int min, int max) = Length(repeat.Item);
                return (Bounded((long)min * repeat.Min), repeat.Max < 0 || max < 0 ? -1 : Bounded((long)max * repeat.Max));
            case PatternNode.Again:
                return (0, -1);
            default:
                return (0, 0);
        }
    }

    // Far beyond what a look-behind may have, and still far from overflow when such lengths are added.
    private static int Bounded(long length) => (int)Math.Min(length, 1 << 20);
}
