namespace SLoRA;

/// <summary>Requests that wait to be admitted, by what they wait for.</summary>
/// <param name="ForContent">Their adapters' content is being read.</param>
/// <param name="ForPages">They, or somebody before them, need more pages than there are.</param>
/// <param name="ForPlaces">As many sequences run as may run at once.</param>
public readonly record struct QueueStatus(int ForContent, int ForPages, int ForPlaces)
{
    /// <summary>The quotas of their accounts do not let them run now, as far as those were looked at that come next.</summary>
    public int ForQuota { get; init; }

    /// <summary>All waiting requests together.</summary>
    public int Total => ForContent + ForPages + ForPlaces + ForQuota;
}
