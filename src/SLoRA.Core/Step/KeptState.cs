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

    /// <summary>What one of several shards keeps.</summary>
    public KeptState OnShard(int shard, int shards) =>
        new(PerToken?.OnShard(shard, shards), [.. PerSequence.Select(state => state.OnShard(shard, shards))]);

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

    /// <summary>
    /// Columns at the end of a key that are scaled by themselves where keys are integers: those whose size has nothing to do with that of
    /// the others. 0 where one scale serves the key.
    /// </summary>
    public int OwnScaleColumns { get; init; }

    /// <summary>Which positions rows see of it: what no row sees any more need not be kept.</summary>
    public Sight Sight { get; init; }

    /// <summary>Numbers that are kept of a token.</summary>
    public long Elements => (long)Heads * (HeadDim + ValueDim);

    /// <summary>Bytes that are kept of a token where keys and values are integers with an fp32 scale each.</summary>
    public long IntegerBytes
    {
        get
        {
            int scales = 1 + (OwnScaleColumns > 0 ? 1 : 0) + (ValueDim > 0 ? 1 : 0);
            return (long)Heads * (IntegersOf(HeadDim, OwnScaleColumns) + IntegersOf(ValueDim, 0) + (scales * sizeof(float)));
        }
    }

    /// <summary>
    /// The room for a token's integers in a page: columns that share a scale have whole runs of 16, so that there are loads of 16 bytes.
    /// </summary>
    /// <param name="columns">Columns.</param>
    /// <param name="own">Those of them at the end that have a scale of their own.</param>
    public static int IntegersOf(int columns, int own) => ((columns - own + 15) & ~15) + ((own + 15) & ~15);

    /// <summary>How the heads are cut over shards; null if every shard keeps all of them.</summary>
    public Split? Split { get; init; }

    /// <summary>What one of several shards keeps.</summary>
    public KeyValueShape OnShard(int shard, int shards) => Split is { } split
        ? this with { Heads = split.ColumnsOf(shard, shards) / split.UnitColumns, Split = null }
        : this;
}

/// <summary>
/// A state of fp32 numbers that a layer keeps of a sequence: equal parts, each of which is one piece of memory. A recurrence has a matrix
/// for each of its heads, a short convolution a row for each of the inputs that it looks back at. It is zero before the first token.
/// </summary>
/// <param name="Parts">Parts, at least 1.</param>
/// <param name="Elements">Numbers of a part, at least 1.</param>
internal readonly record struct StateShape(int Parts, int Elements)
{
    /// <summary>How the numbers of every part are cut over shards; null if they are not.</summary>
    public Split? Cut { get; init; }

    /// <summary>How the parts are cut over shards, a column of the split for each; null if they are not.</summary>
    public Split? CutParts { get; init; }

    /// <summary>What one of several shards keeps: all of it where nothing is cut.</summary>
    public StateShape OnShard(int shard, int shards) => new(
        CutParts?.ColumnsOf(shard, shards) ?? Parts, Cut?.ColumnsOf(shard, shards) ?? Elements);

    /// <summary>Bytes from one part to the next, a multiple of 64.</summary>
    public long PartBytes => ((Elements * (long)sizeof(float)) + 63) & ~63L;
}
