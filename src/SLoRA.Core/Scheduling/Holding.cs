using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>A part of the engine that sequences take while they run.</summary>
/// <param name="Pages">Pages for tokens and states, promised ones included.</param>
/// <param name="Places">Places among those that run, those included that are yet to be forked.</param>
internal readonly record struct Holding(int Pages, int Places)
{
    /// <summary>Whether there is nothing of either.</summary>
    public bool IsNone => Pages <= 0 && Places <= 0;

    /// <summary>What a running sequence takes.</summary>
    public static Holding Of(Sequence sequence) =>
        new(sequence.Table.Pages.Length + sequence.Table.Reserved, 1 + sequence.PendingForks);

    /// <summary>Both together.</summary>
    public static Holding operator +(Holding a, Holding b) => new(a.Pages + b.Pages, a.Places + b.Places);

    /// <summary>The first without the second.</summary>
    public static Holding operator -(Holding a, Holding b) => new(a.Pages - b.Pages, a.Places - b.Places);

    /// <summary>Which part of the whole it is, by what of the two is scarcer.</summary>
    public double ShareOf(Holding whole) => Math.Max((double)Pages / whole.Pages, (double)Places / whole.Places);
}
