using System.Collections.Concurrent;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

/// <summary>Every change of one name, with moments before and after it: it took effect somewhere in between. Thread-safe.</summary>
internal sealed class NameLog(string name)
{
    private static long _time;

    // Null: the name stood for nothing, as it did in the beginning.
    private readonly ConcurrentBag<(string? Content, long Begun, long Ended, bool NeedsFree)> _changes = [(null, 0, 0, false)];
    private readonly ConcurrentBag<(bool WasTaken, long Begun, long Ended)> _refusals = [];

    private (string? Content, long Begun, long Ended, bool NeedsFree)[]? _sorted;
    private long[]? _latest;

    public string Name => name;

    /// <summary>Changes that succeeded.</summary>
    public int Count => _changes.Count - 1;

    /// <summary>A moment later than all before it.</summary>
    public static long Tick() => Interlocked.Increment(ref _time);

    /// <summary>Makes a change and notes whether it succeeded.</summary>
    /// <param name="content">What the name stands for afterwards.</param>
    /// <param name="change">Says whether it succeeded.</param>
    /// <param name="needsFree">Whether the name must stand for nothing.</param>
    public async Task Change(string? content, Func<Task<bool>> change, bool needsFree = false)
    {
        long begun = Tick();
        if (await change())
        {
            _changes.Add((content, begun, Tick(), needsFree));
        }
        else
        {
            _refusals.Add((needsFree, begun, Tick()));
        }
    }

    /// <summary>
    /// Whether there is an order in which the name stood for a content at some moment of a span: a change to it had begun by the end of the
    /// span, and no other change lies wholly between that one and the span.
    /// </summary>
    public bool MayHaveStoodFor(string? content, long begun, long ended) => MayHaveStood(change => change.Content == content, begun, ended);

    /// <summary>
    /// Every refusal had a moment in which it was right; nobody took a name that somebody held, nor removed one that nobody held; and the
    /// name ends as one of the last changes left it.
    /// </summary>
    public void Check(bool isRegistered)
    {
        foreach ((bool wasTaken, long begun, long ended) in _refusals)
        {
            Assert.That(MayHaveStood(change => change.Content is not null == wasTaken, begun, ended), Is.True,
                $"{name} was {(wasTaken ? "taken" : "free")} between {begun} and {ended}");
        }

        int removals = _changes.Count(change => change.Content is null) - 1;
        Assert.That(_changes.Count(change => change.NeedsFree), Is.LessThanOrEqualTo(removals + 1), $"registrations of {name}: one wins");
        Assert.That(removals, Is.LessThanOrEqualTo(_changes.Count(change => change.Content is not null)), $"removals of {name}: one wins");
        Assert.That(MayHaveStood(change => change.Content is not null == isRegistered, Tick(), Tick()), Is.True, $"{name} at the end");
    }

    /// <summary>
    /// Whether a change of a kind may be the last one before a moment of a span. Changes are sorted once: none is made any more.
    /// </summary>
    private bool MayHaveStood(Func<(string? Content, long Begun, long Ended, bool NeedsFree), bool> isMeant, long begun, long ended)
    {
        _sorted ??= [.. _changes.OrderBy(change => change.Ended)];
        if (_latest is null)
        {
            _latest = new long[_sorted.Length];
            long latest = 0;
            for (int i = 0; i < _sorted.Length; i++)
            {
                _latest[i] = latest = Math.Max(latest, _sorted[i].Begun);
            }
        }

        int before = CountEndedBefore(begun);
        long oldest = before == 0 ? 0 : _latest[before - 1];
        for (int i = CountEndedBefore(oldest); i < _sorted.Length; i++)
        {
            if (_sorted[i].Begun <= ended && isMeant(_sorted[i]))
            {
                return true;
            }
        }

        return false;
    }

    private int CountEndedBefore(long moment)
    {
        int low = 0;
        for (int high = _sorted!.Length; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = _sorted[middle].Ended < moment ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
