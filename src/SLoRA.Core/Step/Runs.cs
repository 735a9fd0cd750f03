using System.Collections.Immutable;

namespace SLoRA.Step;

/// <summary>Consecutive indices of a dimension.</summary>
/// <param name="First">The first.</param>
/// <param name="Count">How many.</param>
internal readonly record struct Run(int First, int Count);

/// <summary>What one shard has of a dimension, in runs that it counts through from 0; the default is all of it.</summary>
/// <param name="All">The runs, ascending.</param>
internal readonly record struct Runs(ImmutableArray<Run> All)
{
    /// <summary>One run.</summary>
    public static Runs Of(int first, int count) => new([new Run(first, count)]);

    /// <summary>How many indices.</summary>
    public int Count => All.Sum(run => run.Count);

    /// <summary>The first index.</summary>
    public int First => All.IsDefault ? 0 : All[0].First;

    /// <summary>Where each run ends, counted as the shard does.</summary>
    public ImmutableArray<int> Ends
    {
        get
        {
            int end = 0;
            return [.. All.Select(run => end += run.Count)];
        }
    }

    /// <summary>Copies what the shard has of a whole row.</summary>
    public void Gather<T>(ReadOnlySpan<T> whole, Span<T> own)
    {
        foreach (Run run in All)
        {
            whole.Slice(run.First, run.Count).CopyTo(own);
            own = own[run.Count..];
        }
    }

    /// <summary>Copies what the shard has into its places of a whole row.</summary>
    public void Scatter<T>(ReadOnlySpan<T> own, Span<T> whole)
    {
        foreach (Run run in All)
        {
            own[..run.Count].CopyTo(whole[run.First..]);
            own = own[run.Count..];
        }
    }

    /// <summary>The index in the whole dimension of one that the shard counts.</summary>
    public int Whole(int own)
    {
        if (All.IsDefault)
        {
            return own;
        }

        foreach (Run run in All)
        {
            if (own < run.Count)
            {
                return run.First + own;
            }

            own -= run.Count;
        }

        throw new ArgumentOutOfRangeException(nameof(own));
    }

    /// <summary>How the shard counts an index of the whole dimension; negative if it does not have it.</summary>
    public int Own(int whole)
    {
        int begin = 0;
        foreach (Run run in All)
        {
            if (whole >= run.First && whole < run.First + run.Count)
            {
                return begin + whole - run.First;
            }

            begin += run.Count;
        }

        return -1;
    }
}
