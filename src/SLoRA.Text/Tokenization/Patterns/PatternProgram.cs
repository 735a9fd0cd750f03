namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>A compiled expression: the main part at 0, parts of look-arounds and atomic groups as programs of their own.</summary>
internal sealed class PatternProgram
{
    private const int MaxSteps = 100_000;
    private const int MaxLookBehind = 60;

    private readonly List<PatternStep[]> _parts = [];
    private int _total;

    private PatternProgram(int groups)
    {
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
        var program = new PatternProgram(groups);
        program.Part(node, source);
        program.First = FirstOf(node);
        return program;
    }

    private int Part(PatternNode node, string source)
    {
        int index = _parts.Count;
        _parts.Add([]);
        var steps = new List<PatternStep>();
        Emit(node, steps, source);
        steps.Add(new PatternStep(PatternOp.Match));
        _parts[index] = [.. steps];
        return index;
    }

    private void Emit(PatternNode node, List<PatternStep> steps, string source)
    {
        if (++_total > MaxSteps) throw TokenizerException.Unsupported($"The expression '{source}' is too large.");
        switch (node)
        {
            case PatternNode.One one:
                steps.Add(new PatternStep(PatternOp.One, Set: one.Set));
                break;
            case PatternNode.Sequence sequence:
                foreach (PatternNode item in sequence.Items) Emit(item, steps, source);
                break;
            case PatternNode.Choice choice:
                EmitChoice(choice, steps, source);
                break;
            case PatternNode.Repeat repeat:
                EmitRepeat(repeat, steps, source);
                break;
            case PatternNode.Capture capture:
                steps.Add(new PatternStep(PatternOp.Save, 2 * capture.Number));
                Emit(capture.Item, steps, source);
                steps.Add(new PatternStep(PatternOp.Save, (2 * capture.Number) + 1));
                break;
            case PatternNode.Again again:
                steps.Add(new PatternStep(PatternOp.Again, 2 * again.Number, again.IgnoreCase ? 1 : 0));
                break;
            case PatternNode.Atomic { Item: PatternNode.Repeat { Item: PatternNode.One one, Lazy: false } run }:
                steps.Add(new PatternStep(PatternOp.RunAtomic, run.Min, run.Max, one.Set));
                break;
            case PatternNode.Atomic atomic:
                steps.Add(new PatternStep(PatternOp.Atomic, Part(atomic.Item, source)));
                break;
            case PatternNode.Look { Behind: false } look:
                steps.Add(new PatternStep(PatternOp.Ahead, Part(look.Item, source), look.Negative ? 1 : 0));
                break;
            case PatternNode.Look look:
                (int min, int max) = Length(look.Item);
                if (max < 0) throw TokenizerException.Unsupported($"The expression '{source}' looks behind without a limit, which is not implemented.");
                if (max > MaxLookBehind) throw TokenizerException.Unsupported($"The expression '{source}' looks {max} characters behind, and only {MaxLookBehind} are possible.");
                steps.Add(new PatternStep(PatternOp.Behind, Part(look.Item, source), look.Negative ? 1 : 0, Min: min, Max: max));
                break;
            case PatternNode.Place { Kind: PatternPlace.Keep }:
                steps.Add(new PatternStep(PatternOp.Save, 0));
                break;
            case PatternNode.Place place:
                steps.Add(new PatternStep(PatternOp.Place, (int)place.Kind));
                break;
        }
    }

    private void EmitChoice(PatternNode.Choice choice, List<PatternStep> steps, string source)
    {
        var ends = new List<int>();
        for (int i = 0; i < choice.Items.Count; i++)
        {
            bool last = i == choice.Items.Count - 1;
            int split = steps.Count;
            // The set lets an alternative that cannot start here be passed over without a try.
            if (!last) steps.Add(default);
            Emit(choice.Items[i], steps, source);
            if (last) break;
            ends.Add(steps.Count);
            steps.Add(default);
            steps[split] = new PatternStep(PatternOp.Split, split + 1, steps.Count, FirstOf(choice.Items[i]));
        }

        foreach (int end in ends) steps[end] = new PatternStep(PatternOp.Jump, steps.Count);
    }

    private void EmitRepeat(PatternNode.Repeat repeat, List<PatternStep> steps, string source)
    {
        if (repeat is { Item: PatternNode.One one, Lazy: false })
        {
            steps.Add(new PatternStep(PatternOp.Run, repeat.Min, repeat.Max, one.Set));
            return;
        }

        for (int i = 0; i < repeat.Min; i++) Emit(repeat.Item, steps, source);
        if (repeat.Max < 0)
        {
            int register = Registers++;
            int split = steps.Count;
            steps.Add(default);
            steps.Add(new PatternStep(PatternOp.Save, register));
            Emit(repeat.Item, steps, source);
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
            Emit(repeat.Item, steps, source);
        }

        foreach (int split in splits) steps[split] = Branch(split + 1, steps.Count, repeat.Lazy);
    }

    private static PatternStep Branch(int enter, int leave, bool lazy) =>
        lazy ? new PatternStep(PatternOp.Split, leave, enter) : new PatternStep(PatternOp.Split, enter, leave);

    // The set of first code points; null when the node can be empty or its start is not a plain set.
    private static CharSet? FirstOf(PatternNode node)
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
                    if (FirstOf(item) is not CharSet set) return null;
                    sets.Add(set);
                }

                return CharSet.Union(sets);
            case PatternNode.Sequence sequence:
                return FirstOf(sequence);
            default:
                return null;
        }
    }

    // Leading optional runs of a sequence add their set to that of what follows.
    private static CharSet? FirstOf(PatternNode.Sequence sequence)
    {
        var sets = new List<CharSet>();
        foreach (PatternNode item in sequence.Items)
        {
            if (FirstOf(item) is CharSet set)
            {
                sets.Add(set);
                return CharSet.Union(sets);
            }

            if (item is not PatternNode.Repeat { Item: PatternNode.One one }) return null;
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
                return sequence.Items.Select(Length).Aggregate((0, 0), (a, b) => (a.Item1 + b.Min, a.Item2 < 0 || b.Max < 0 ? -1 : a.Item2 + b.Max));
            case PatternNode.Choice choice:
                return choice.Items.Select(Length).Aggregate((a, b) => (Math.Min(a.Min, b.Min), a.Max < 0 || b.Max < 0 ? -1 : Math.Max(a.Max, b.Max)));
            case PatternNode.Repeat repeat:
                (int min, int max) = Length(repeat.Item);
                return (min * repeat.Min, repeat.Max < 0 || max < 0 ? -1 : max * repeat.Max);
            case PatternNode.Again:
                return (0, -1);
            default:
                return (0, 0);
        }
    }
}
