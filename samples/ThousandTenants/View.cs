using Spectre.Console;

namespace ThousandTenants;

/// <summary>How the simulation is shown.</summary>
internal abstract class View
{
    /// <summary>A live view on a terminal, plain lines elsewhere.</summary>
    public static View ForConsole() =>
        Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Ansi ? new PlainView() : new LiveView();

    /// <summary>Between two looks at the figures.</summary>
    public abstract TimeSpan Interval { get; }

    /// <summary>Says what is being prepared.</summary>
    public abstract void Prepare(string what);

    /// <summary>Shows figures until the simulation has ended.</summary>
    public abstract Task ShowAsync(Func<Figures> look, Task ended);

    /// <summary>Says how it ended.</summary>
    public void Summarize(Figures figures)
    {
        PrintLine($"answers: {figures.Answers} of {figures.TenantsAsked} tenants, {figures.Tokens} tokens, "
            + $"{figures.Tokens / figures.Elapsed.TotalSeconds:F0} tokens/s");
        SLoRA.AdapterCacheStatus cache = figures.Status.AdapterCache;
        PrintLine($"adapters: {cache.Hits} hits, {cache.Misses} misses ({cache.HitRate:P0} hits), {cache.PageIns} page-ins, "
            + $"{cache.Evictions} evictions");
        SLoRA.PoolStatus pool = figures.Status.Pool;
        PrintLine($"pool: {pool.Total} pages of {pool.PageBytes / 1024} KiB: {pool.Cache} KV, {pool.Adapters} adapters, {pool.Free} free");
    }

    /// <summary>A line in the culture of no country.</summary>
    protected static void PrintLine(string line) => Console.WriteLine(line);
}
