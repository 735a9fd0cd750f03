namespace SLoRA.Core.Tests.Engine.Histories;

/// <summary>What histories have seen: a history in which nothing happens proves nothing.</summary>
internal sealed class HistoryCounts
{
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);

    public long this[string what] => _counts.GetValueOrDefault(what);

    public void Add(string what, long count = 1) => _counts[what] = this[what] + count;

    public void Add(HistoryCounts other)
    {
        foreach ((string what, long count) in other._counts)
        {
            Add(what, count);
        }
    }

    public override string ToString() => string.Join(", ", _counts.Select(count => $"{count.Key} {count.Value}"));
}
