using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Scheduling;

/// <summary>
/// Fair shares: whoever uses the adapter that has been served least, by its weight, goes first. A token counts twice what a row of a prompt
/// counts, and rows of prompts count when their token comes, so that nobody is pushed back before it. Whoever has not waited begins at the
/// least of those who wait: nobody saves up.
/// </summary>
/// <param name="weightOf">The share of an adapter; "" for the base.</param>
internal sealed class LeastServed(Func<string, double> weightOf) : SortedOrder
{
    private readonly Dictionary<string, double> _served = [];
    private readonly Dictionary<string, double> _charged = [];
    private readonly Dictionary<Sequence, double> _rows = [];
    private readonly HashSet<string> _active = [];

    /// <summary>Everything that was charged.</summary>
    public Served Total { get; private set; }

    public override bool GoesBefore(Preload preload, Sequence sequence) => preload.Arrival < sequence.Request.Arrival;

    public override void Charge(Sequence sequence, Served served)
    {
        Total = new Served(
            Total.PromptRows + served.PromptRows, Total.OutputRows + served.OutputRows, Total.PageInBytes + served.PageInBytes);
        double rows = _rows.GetValueOrDefault(sequence) + served.PromptRows;
        _rows[sequence] = served.OutputRows > 0 ? 0 : rows;
        if (served.OutputRows > 0)
        {
            string adapter = AdapterOf(sequence.Request);
            _charged[adapter] = _charged.GetValueOrDefault(adapter) + ((rows + (2 * served.OutputRows)) / weightOf(adapter));
        }
    }

    protected override int CompareRequests(RequestState a, RequestState b)
    {
        int order = ServedOf(a).CompareTo(ServedOf(b));
        return order != 0 ? order : a.Arrival.CompareTo(b.Arrival);
    }

    protected override void Settle()
    {
        foreach ((string adapter, double charged) in _charged)
        {
            _served[adapter] = _served.GetValueOrDefault(adapter) + charged;
        }

        _charged.Clear();
        string[] waiting = [.. Waiting.Select(AdapterOf).Distinct()];
        double least = waiting.Where(_active.Contains).Select(adapter => _served.GetValueOrDefault(adapter)).DefaultIfEmpty(0).Min();
        foreach (string adapter in waiting.Where(adapter => !_active.Contains(adapter)))
        {
            _served[adapter] = Math.Max(_served.GetValueOrDefault(adapter), least);
        }

        _active.Clear();
        _active.UnionWith(waiting);
    }

    private static string AdapterOf(RequestState request) => request.Asked.Adapter ?? "";

    private double ServedOf(RequestState request) => _served.GetValueOrDefault(AdapterOf(request));
}
