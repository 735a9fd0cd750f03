using SLoRA;

namespace ThousandTenants;

/// <summary>A line each second.</summary>
internal sealed class PlainView : View
{
    public override TimeSpan Interval => TimeSpan.FromSeconds(1);

    public override void Prepare(string what) => Console.WriteLine(what);

    public override async Task ShowAsync(Func<Figures> look, Task ended)
    {
        using var ticks = new PeriodicTimer(Interval);
        while (await Task.WhenAny(ended, ticks.WaitForNextTickAsync().AsTask()) != ended)
        {
            Print(look());
        }

        await ended;
    }

    private static void Print(Figures figures)
    {
        EngineStatus status = figures.Status;
        PoolStatus pool = status.Pool;
        AdapterCacheStatus cache = status.AdapterCache;
        string pages = $"pages: {pool.CacheInUse} KV, {pool.IdlePrefixes} cached, {pool.AdaptersInUse} adapters, "
            + $"{pool.IdleAdapters} idle, {pool.Free} free";
        PrintLine($"{figures.Elapsed.TotalSeconds,3:F0} s  {figures.TokensPerSecond,5:F0} tokens/s  {status.Running} running  "
            + $"{status.Waiting} waiting  {pages}");
        PrintLine($"       resident {cache.Resident}  hits {cache.Hits}  misses {cache.Misses}  made {figures.Made}  page-ins "
            + $"{cache.PageIns}  evictions {cache.Evictions}");
    }
}
