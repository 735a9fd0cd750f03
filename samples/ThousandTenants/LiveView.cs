using System.Globalization;
using SLoRA;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ThousandTenants;

/// <summary>A table and the pool's pages, drawn again and again.</summary>
internal sealed class LiveView : View
{
    public override TimeSpan Interval => TimeSpan.FromMilliseconds(200);

    public override void Prepare(string what) => AnsiConsole.MarkupLineInterpolated($"[grey]{what}[/]");

    public override Task ShowAsync(Func<Figures> look, Task ended) => AnsiConsole.Live(Draw(look())).StartAsync(async context =>
    {
        using var frames = new PeriodicTimer(Interval);
        while (await Task.WhenAny(ended, frames.WaitForNextTickAsync().AsTask()) != ended)
        {
            context.UpdateTarget(Draw(look()));
        }

        await ended;
    });

    private static Rows Draw(Figures figures) => new(Numbers(figures), Pages(figures.Status.Pool));

    private static Table Numbers(Figures figures)
    {
        EngineStatus status = figures.Status;
        AdapterCacheStatus cache = status.AdapterCache;
        Table table = new Table().RoundedBorder().HideHeaders().AddColumns("", "", "", "");
        table.Title(new TableTitle(Text($"{figures.Tenants} tenants, {figures.TenantsAsked} asked, {figures.Elapsed.TotalSeconds:F0} s")));
        Row("tokens/s", $"{figures.TokensPerSecond:F0}", "adapters in the pool", $"{cache.Resident}, {cache.InUse} in use");
        Row("answers", $"{figures.Answers}", "hits", $"{cache.Hits} ({100 * cache.HitRate:F0} %)");
        Row("running", $"{status.Running}", "page-ins", $"{cache.PageIns}, {cache.PageInBytes / 1048576} MiB");
        Row("waiting", $"{status.Queue.ForContent} content, {status.Queue.ForPages} pages, {status.Queue.ForPlaces} places", "evictions",
            $"{cache.Evictions}");
        Row("last step",
            $"{status.LastStep.Rows} rows, {status.LastStep.Adapters} adapters, {status.LastStep.Duration.TotalMilliseconds:F1} ms", "made",
            $"{figures.Made}");
        return table;

        void Row(string a, string b, string c, string d) => table.AddRow(a, Text(b), c, Text(d));
    }

    private static Panel Pages(PoolStatus pool)
    {
        IRenderable chart = new BreakdownChart().Width(72)
            .AddItem("KV", pool.CacheInUse, Color.Green)
            .AddItem("cached prefixes", pool.IdlePrefixes, Color.DarkGreen)
            .AddItem("adapters", pool.AdaptersInUse, Color.Aqua)
            .AddItem("idle adapters", pool.IdleAdapters, Color.Teal)
            .AddItem("free", pool.Free, Color.Grey);
        return new Panel(chart).RoundedBorder().Header(Text($"{pool.Total} pages of {pool.PageBytes / 1024} KiB"));
    }

    private static string Text(string text) => text.ToString(CultureInfo.InvariantCulture);
}
