using FsCheck;
using FsCheck.Fluent;

namespace SLoRA.Core.Tests.Engine.Histories;

/// <summary>What can be done to an engine, or happen to it.</summary>
internal enum OperationKind
{
    /// <summary>One step.</summary>
    Step,

    /// <summary>Up to sixteen steps.</summary>
    Steps,

    /// <summary>A request for the base, an adapter, or several with weights.</summary>
    Generate,

    /// <summary>A name gets a content; it must be free.</summary>
    Register,

    /// <summary>A name gets a content, free or not.</summary>
    Replace,

    /// <summary>A name is taken away.</summary>
    Unregister,

    /// <summary>A request is cancelled.</summary>
    Cancel,

    /// <summary>A consumer leaves its enumeration.</summary>
    Abandon,

    /// <summary>A consumer stops reading.</summary>
    Stall,

    /// <summary>A consumer that had stopped goes on.</summary>
    Resume,

    /// <summary>An adapter is to stay in pages.</summary>
    Pin,

    /// <summary>It may go again.</summary>
    Unpin,

    /// <summary>An adapter is brought into pages.</summary>
    Preload,

    /// <summary>What is held of an adapter is dropped.</summary>
    Evict,

    /// <summary>The bound of the host store changes.</summary>
    SetHostBytes,

    /// <summary>Readings of an adapter that begin from now on fail.</summary>
    BreakReads,

    /// <summary>Readings of an adapter that begin from now on hang.</summary>
    HangReads,

    /// <summary>All disks work again.</summary>
    Heal,

    /// <summary>What has been read arrives some steps later.</summary>
    DelayLoads,

    /// <summary>Time passes.</summary>
    Advance,

    /// <summary>An adapter's folder gets the files of another.</summary>
    Overwrite,

    /// <summary>A name gets what is in its folder now.</summary>
    Refresh,

    /// <summary>Idle pages are given up.</summary>
    DropCaches,

    /// <summary>The engine is disposed; what follows is refused.</summary>
    Dispose,
}

/// <summary>One operation; the argument decides its details.</summary>
internal readonly record struct Operation(OperationKind Kind, int Argument)
{
    private static readonly (int Weight, OperationKind Kind)[] Weights =
    [
        (700, OperationKind.Step), (250, OperationKind.Steps), (800, OperationKind.Generate), (40, OperationKind.Register),
        (80, OperationKind.Replace),
        (25, OperationKind.Unregister), (60, OperationKind.Cancel), (40, OperationKind.Abandon), (70, OperationKind.Stall),
        (110, OperationKind.Resume),
        (15, OperationKind.Pin), (40, OperationKind.Unpin), (40, OperationKind.Preload), (50, OperationKind.Evict),
        (50, OperationKind.SetHostBytes),
        (30, OperationKind.BreakReads), (20, OperationKind.HangReads), (50, OperationKind.Heal), (50, OperationKind.DelayLoads),
        (100, OperationKind.Advance),
        (20, OperationKind.DropCaches), (20, OperationKind.Overwrite), (30, OperationKind.Refresh), (1, OperationKind.Dispose),
    ];

    /// <summary>Histories of one length; a failing one is made shorter.</summary>
    public static Arbitrary<Operation[]> Histories(int length) => Arb.From(
        Gen.Frequency(Weights.Select(kind => (kind.Weight, Gen.Constant(kind.Kind))))
            .SelectMany(kind => Gen.Choose(0, 1 << 20).Select(argument => new Operation(kind, argument)))
            .ArrayOf(length),
        Shorter);

    public override string ToString() => $"{Kind}({Argument})";

    /// <summary>The history without a half, a quarter, …, one of its operations.</summary>
    private static IEnumerable<Operation[]> Shorter(Operation[] history)
    {
        for (int part = history.Length / 2; part > 0; part /= 2)
        {
            for (int start = 0; start < history.Length; start += part)
            {
                yield return [.. history[..start], .. history[Math.Min(start + part, history.Length)..]];
            }
        }
    }
}
