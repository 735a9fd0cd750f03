using System.Diagnostics;
using Samples;
using SLoRA;
using SLoRA.Text;

namespace ThousandTenants;

/// <summary>Builds the engine, lets the callers ask for a while, and shows what happens meanwhile.</summary>
internal static class Simulation
{
    /// <summary>Runs it.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="OperationCanceledException">It was interrupted; everything has been given back.</exception>
    public static async Task<int> RunAsync(Settings settings, View view, CancellationToken cancellation)
    {
        string folder = Path.Combine(DemoFolder.Find(), "model");
        view.Prepare("loading the model");
        ModelTokenizer tokenizer = ModelTokenizer.Load(folder);
        var adapters = new TenantAdapters(settings.Tenants);
        await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
            .UseModel(folder)
            .UseAdapterSource(adapters)
            .ConfigureAdapters(cache => cache.HostBytes = (long)settings.HostMiB << 20)
            .ConfigurePool(pool => pool.Bytes = (long)settings.PoolMiB << 20)
            .BuildAsync(cancellationToken: cancellation);
        view.Prepare(FormattableString.Invariant($"{settings.Tenants} tenants, {settings.Clients} callers"));
        var traffic = new Traffic(engine, tokenizer, settings);
        var meter = new FigureMeter(engine, traffic, adapters, settings.Tenants);
        using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        time.CancelAfter(settings.Duration);
        Task asked = traffic.RunAsync(time.Token);
        try
        {
            await view.ShowAsync(meter.Look, asked);
        }
        finally
        {
            // A view that cannot be shown ends the callers before their engine.
            await time.CancelAsync();
            await asked;
        }

        view.Summarize(meter.Look());
        cancellation.ThrowIfCancellationRequested();
        return ExitCode.Success;
    }

    /// <summary>Looks at the engine, and at how much has come since the last look.</summary>
    private sealed class FigureMeter(LoraServingEngine engine, Traffic traffic, TenantAdapters adapters, int tenants)
    {
        private readonly long _start = Stopwatch.GetTimestamp();
        private long _last = Stopwatch.GetTimestamp();
        private long _tokens;

        public Figures Look()
        {
            long now = Stopwatch.GetTimestamp();
            long tokens = traffic.Tokens;
            double rate = (tokens - _tokens) / Math.Max(1e-3, Stopwatch.GetElapsedTime(_last, now).TotalSeconds);
            (_last, _tokens) = (now, tokens);
            return new Figures(Stopwatch.GetElapsedTime(_start, now), engine.Status, tenants, traffic.TenantsAsked, adapters.Made,
                traffic.Answers, tokens, rate);
        }
    }
}
