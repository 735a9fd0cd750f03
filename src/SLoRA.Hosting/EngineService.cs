using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace SLoRA.Hosting;

/// <summary>Loads the engine when the host starts, and lets it end in order when the host stops.</summary>
internal sealed class EngineService(
    HostedEngine hosted, IOptions<SLoRAOptions> options, IEnumerable<EngineSetup> setups, IServiceProvider services,
    IHostApplicationLifetime lifetime, ILoggerFactory loggers) : IHostedService, IDisposable
{
    private readonly ILogger _log = loggers.CreateLogger<EngineService>();
    private readonly CancellationTokenSource _stopping = new();
    private Task _loading = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value.LoadInBackground)
        {
            _loading = LoadInBackgroundAsync(_stopping.Token);
        }
        else
        {
            await LoadAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _loading.ConfigureAwait(false);
        if (hosted.IsLoaded)
        {
            await DrainAsync(cancellationToken).ConfigureAwait(false);
        }

        await hosted.DisposeAsync().ConfigureAwait(false);
    }

    public void Dispose()
    {
        // Services may be disposed of that nobody has stopped.
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private async Task LoadInBackgroundAsync(CancellationToken stopping)
    {
        // Loading must not hold up the services that start behind this one, not even by the checks that come first.
        await Task.Yield();
        try
        {
            await LoadAsync(stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            hosted.Fail(new EngineDisposedException());
        }
        catch (Exception error)
        {
            Log.LoadingFailed(_log, error);
            hosted.Fail(error);
            lifetime.StopApplication();
        }
    }

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        Log.Loading(_log, options.Value.Model);
        LoraServingEngine engine = await Describe().BuildAsync(new LoadProgressLog(_log), cancellationToken).ConfigureAwait(false);
        try
        {
            if (options.Value.WarmUp)
            {
                // A prompt of one token, whichever.
                var request = new GenerationRequest { Prompt = new[] { 0 }, MaxTokens = 1, IgnoreEndOfText = true };
                await engine.CompleteAsync(request, cancellationToken).ConfigureAwait(false);
            }

            if (!hosted.TrySet(engine))
            {
                throw new OperationCanceledException("The host's services were disposed of while the model was loaded.");
            }
        }
        catch
        {
            await engine.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        Log.Loaded(_log, engine.ToString());
    }

    private LoraServingEngineBuilder Describe()
    {
        SLoRAOptions given = options.Value;
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder()
            .UseModel(given.Model, given.ModelAccess)
            .ConfigurePool(given.Pool)
            .ConfigureScheduling(given.Scheduling)
            .ConfigureAdapters(given.AdapterCache)
            .ConfigureMetrics(given.Metrics)
            .ConfigureMetrics(metrics =>
            {
                metrics.ModelName ??= given.ModelName;
                metrics.MeterFactory ??= services.GetService<IMeterFactory>();
            })
            .UseLogger(loggers.CreateLogger("SLoRA.Engine"));
        EngineBackend.Use(builder, given);
        foreach ((string adapter, string folder) in given.Adapters)
        {
            builder.AddAdapter(adapter, folder);
        }

        foreach (EngineSetup setup in setups)
        {
            setup.Configure(services, builder);
        }

        return builder;
    }

    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        Log.Draining(_log, options.Value.DrainTimeout);
        try
        {
            if (!await hosted.DrainAsync(options.Value.DrainTimeout, cancellationToken).ConfigureAwait(false))
            {
                Log.DrainTimedOut(_log);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SLoraException)
        {
            // The host has no more time, or the engine has ended by itself: there is nothing left to wait for.
            Log.DrainEnded(_log, error.Message);
        }
    }
}
