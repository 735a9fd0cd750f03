namespace SLoRA.HuggingFace.Tests.Scenarios;

/// <summary>Reports of a download that a test waits for.</summary>
internal sealed class Arrivals(Predicate<HubProgress> awaited) : IProgress<HubProgress>
{
    private readonly TaskCompletionSource _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<HubProgress> _all = [];

    /// <summary>Ends with the first report that is the awaited one.</summary>
    public Task Seen => _seen.Task;

    /// <summary>All reports, in order.</summary>
    public IReadOnlyList<HubProgress> All => _all;

    public static Arrivals Of(long bytes) => new(report => report.Bytes >= bytes);

    public static Arrivals Of(HubStage stage) => new(report => report.Stage == stage);

    public void Report(HubProgress value)
    {
        _all.Add(value);
        if (awaited(value))
        {
            _seen.TrySetResult();
        }
    }
}
