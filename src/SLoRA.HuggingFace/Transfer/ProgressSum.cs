namespace SLoRA.HuggingFace.Transfer;

/// <summary>Adds up what the transfers of one call do, and reports it one after the other.</summary>
internal sealed class ProgressSum(IProgress<HubProgress>? progress, long reportedBytes)
{
    private readonly Lock _turn = new();
    private long _bytes;
    private long _total;
    private long _unreported;

    /// <summary>Says what is to come.</summary>
    public void Expect(long bytes)
    {
        lock (_turn)
        {
            _total += bytes;
        }
    }

    /// <summary>Reports what is being done.</summary>
    public void Report(HubStage stage, string? file)
    {
        lock (_turn)
        {
            _unreported = 0;
            progress?.Report(new HubProgress(stage, file, _bytes, _total));
        }
    }

    /// <summary>Counts bytes of a file; fewer than zero when they have to be fetched again.</summary>
    public void Add(string file, long bytes)
    {
        lock (_turn)
        {
            _bytes += bytes;
            _unreported += bytes;
            if (_unreported < reportedBytes)
            {
                return;
            }
        }

        Report(HubStage.Downloading, file);
    }
}
