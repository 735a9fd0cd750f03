using System.Collections.Immutable;

namespace SLoRA.Step;

/// <summary>
/// What a block keeps of a sequence from step to step. The pool holds both kinds: pages that grow with the tokens, and pages that do not.
/// </summary>
/// <param name="PerToken">Keys and values of every token; null if it keeps none.</param>
/// <param name="PerSequence">States whose size does not depend on the length, such as those of a recurrence; empty if there are
/// none.</param>
internal readonly record struct KeptState(KeyValueShape? PerToken, params ImmutableArray<StateShape> PerSequence)
{
    /// <summary>States whose size does not depend on the length; empty if there are none.</summary>
    public ImmutableArray<StateShape> PerSequence { get => field.IsDefault ? [] : field; init; } = PerSequence;

    /// <summary>Whether nothing is kept.</summary>
    public bool IsNothing => PerToken is null && PerSequence.IsEmpty;

    /// <summary>Keys and values of every token, and nothing else.</summary>
    public static implicit operator KeptState(KeyValueShape perToken) => new(perToken);
}

/// <summary>What a layer keeps of one token: a key and a value for each of its KV heads.</summary>
/// <param name="Heads">KV heads, G.</param>
/// <param name="HeadDim">Columns of a head, d.</param>
internal readonly record struct KeyValueShape(int Heads, int HeadDim)
{
    /// <summary>Columns of a value; 0 where values are made of what keys are made of.</summary>
    public int ValueDim { get; init; } = HeadDim;

    /// <summary>Which positions rows see of it: what no row sees any more need not be kept.</summary>
    public Sight Sight { get; init; }

    /// <summary>Numbers that are kept of a token.</summary>
    public long Elements => (long)Heads * (HeadDim + ValueDim);

    /// <summary>How the heads are cut over shards; null if they cannot be.</summary>
    public Split? Split { get; init; }
}

/// <summary>
/// A state of fp32 numbers that a layer keeps of a sequence: equal parts, each of which is one piece of memory. A recurrence has a matrix
/// for each of its heads, a short convolution a row for each of the inputs that it looks back at. It is zero before the first token.
/// </summary>
/// <param name="Parts">Parts, at least 1.</param>
/// <param name="Elements">Numbers of a part, at least 1.</param>
internal readonly record struct StateShape(int Parts, int Elements)
{
    /// <summary>Bytes from one part to the next, a multiple of 64.</summary>
    public long PartBytes => ((Elements * (long)sizeof(float)) + 63) & ~63L;
}
