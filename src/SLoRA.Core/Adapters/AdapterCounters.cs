namespace SLoRA.Adapters;

/// <summary>What a name has served; it goes on counting when the name is replaced. Written by the engine's thread, read by any.</summary>
internal sealed class AdapterCounters
{
    private long _requests;
    private long _tokens;
    private long _pageIns;

    /// <summary>A request has arrived.</summary>
    public void AddRequest() => Volatile.Write(ref _requests, _requests + 1);

    /// <summary>A sequence has ended that gave so many tokens.</summary>
    public void AddTokens(int tokens) => Volatile.Write(ref _tokens, _tokens + tokens);

    /// <summary>A request was admitted whose content had no pages.</summary>
    public void AddMiss() => Volatile.Write(ref _pageIns, _pageIns + 1);

    /// <summary>The numbers now.</summary>
    public AdapterTraffic Read() => new(Volatile.Read(ref _requests), Volatile.Read(ref _tokens), Volatile.Read(ref _pageIns));
}
