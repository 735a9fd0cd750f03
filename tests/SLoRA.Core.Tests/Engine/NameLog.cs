using System.Collections.Concurrent;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

/// <summary>Every change of one name, with moments before and after it: it took effect somewhere in between. Thread-safe.</summary>
internal sealed class NameLog(string name)
{
    private static long _time;

    // Null: the name stood for nothing, as it did in the beginning.
    private readonly ConcurrentBag<(string? Content, long Begun, long Ended, bool Registers)> _changes = [(null, 0, 0, false)];

    public string Name => name;

    /// <summary>Changes that succeeded.</summary>
    public int Count => _changes.Count - 1;

    /// <summary>A moment later than all before it.</summary>
    public static long Tick() => Interlocked.Increment(ref _time);

    /// <summary>Makes a change and notes it if it succeeds.</summary>
    /// <param name="content">What the name stands for afterwards.</param>
    /// <param name="change">Says whether it succeeded.</param>
    public async Task Change(string? content, Func<Task<bool>> change)
    {
        long begun = Tick();
        if (await change())
        {
            _changes.Add((content, begun, Tick(), content is not null));
        }
    }

    /// <summary>
    /// Whether there is an order in which the name stood for a content at some moment of a span: a change to it had begun by the end of the span, and no other
    /// change lies wholly between that one and the span.
    /// </summary>
    public bool MayHaveStoodFor(string? content, long begun, long ended) => _changes.Any(change =>
        change.Content == content && change.Begun <= ended && !_changes.Any(other => other.Begun > change.Ended && other.Ended < begun));

    /// <summary>Whoever removed a name took away what somebody had given it: never more removals than registrations, and at most one more of the latter.</summary>
    public void CheckBalance(bool isRegistered)
    {
        (string? Content, long Begun, long Ended, bool Registers)[] last =
            [.. _changes.Where(change => !_changes.Any(other => other.Begun > change.Ended))];
        Assert.That(last.Any(change => change.Registers == isRegistered), Is.True, $"{name} ends as one of the last changes left it");
        int removals = _changes.Count(change => !change.Registers) - 1;
        Assert.That(removals, Is.LessThanOrEqualTo(_changes.Count(change => change.Registers)), $"removals of {name}");
    }
}
