namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>A node of a parsed expression.</summary>
internal abstract record PatternNode
{
    /// <summary>One code point of a set.</summary>
    public sealed record One(CharSet Set) : PatternNode;

    /// <summary>One after another.</summary>
    public sealed record Sequence(IReadOnlyList<PatternNode> Items) : PatternNode;

    /// <summary>The first that leads to a match.</summary>
    public sealed record Choice(IReadOnlyList<PatternNode> Items) : PatternNode;

    /// <summary>A node several times; <paramref name="Max"/> is -1 for no limit.</summary>
    public sealed record Repeat(PatternNode Item, int Min, int Max, bool Lazy) : PatternNode;

    /// <summary>A group that remembers what it matched.</summary>
    public sealed record Capture(PatternNode Item, int Number) : PatternNode;

    /// <summary>What a group matched, again.</summary>
    public sealed record Again(int Number, bool IgnoreCase) : PatternNode;

    /// <summary>A group that gives nothing back once matched.</summary>
    public sealed record Atomic(PatternNode Item) : PatternNode;

    /// <summary>What follows, or precedes, without being part of the match.</summary>
    public sealed record Look(PatternNode Item, bool Behind, bool Negative) : PatternNode;

    /// <summary>A place.</summary>
    public sealed record Place(PatternPlace Kind) : PatternNode;
}
