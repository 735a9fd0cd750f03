using System.Globalization;
using SLoRA.Diagnostics;

namespace SLoRA.Adapters;

/// <summary>
/// Everything that reads adapters of one engine, on threads of its own: registrations, content out of packages, and what the adapter source says, asked anew each time
/// that content is needed. Thread-safe.
/// </summary>
/// <param name="loader">Reads and checks.</param>
/// <param name="totalPages">Pages of the pool.</param>
/// <param name="source">Where unknown names are looked up; null for nowhere.</param>
/// <param name="options">How many readings at a time, and how long each may take.</param>
/// <param name="clock">Measures that.</param>
internal sealed class AdapterIntake(AdapterLoader loader, int totalPages, IAdapterSource? source, AdapterCacheOptions options, TimeProvider clock) : IDisposable
{
    private readonly TimeSpan _limit = options.LoadTimeout;

    // Apart from each other, so that ten thousand registrations do not hold up the first request, nor a slow disk the registrations.
    private readonly ReadThreads _contents = new(options.MaxConcurrentLoads, options.LoadTimeout, clock);
    private readonly ReadThreads _registrations = new(options.MaxConcurrentLoads, options.LoadTimeout, clock);

    /// <summary>Readings that were given up and have not returned.</summary>
    public int Lost => _contents.Lost + _registrations.Lost;

    /// <summary>Reads configuration and headers and, if asked, the content.</summary>
    /// <exception cref="AdapterLoadException">The adapter is broken or not served.</exception>
    /// <exception cref="AdapterTooLargeException">No request could ever use it.</exception>
    public (AdapterHeaders Headers, PageImage? Image) Read(AdapterPackage package, AdapterValidation validation, CancellationToken cancellation)
    {
        AdapterHeaders headers = loader.ReadHeaders(package, cancellation);
        if (headers.Shape.PageCount >= totalPages)
        {
            // At least one page is left for keys and values.
            throw new AdapterTooLargeException(package.Name, headers.Shape.PageCount, 0, 1, totalPages);
        }

        if (validation == AdapterValidation.Headers)
        {
            return (headers, null);
        }

        LoadedAdapter loaded = loader.ReadContent(headers, null, cancellation);
        return (loaded.Headers, loaded.Image);
    }

    /// <summary>The same, in the background.</summary>
    /// <inheritdoc cref="Read"/>
    public async Task<(AdapterHeaders Headers, PageImage? Image)> RegisterAsync(
        AdapterPackage package, AdapterValidation validation, CancellationToken cancellation)
    {
        Registered read = await _registrations.Run(package.Name, ending => new Registered(Read(package, validation, ending)), cancellation).ConfigureAwait(false);
        return read.Adapter;
    }

    /// <summary>Begins to read the content of a registration; the engine's thread calls it and does not wait.</summary>
    /// <exception cref="AdapterNotFoundException">The source does not know the name.</exception>
    /// <exception cref="AdapterLoadException">The source fails or takes too long, or the adapter is broken, has changed, or takes too long to read.</exception>
    public Task<LoadedAdapter> ReadAsync(AdapterRegistration registration, CancellationToken cancellation)
    {
        if (registration.IsFromSource)
        {
            return AskAsync(registration.Name, cancellation);
        }

        AdapterHeaders headers = registration.Headers!;
        GenerationId? expected = registration.Generation?.Id;
        return _contents.Run(registration.Name, ending => loader.ReadContent(headers, expected, ending), cancellation);
    }

    /// <summary>Gives up everything that is being read. From here on the base model's memory may go, whoever still hangs.</summary>
    public void Dispose()
    {
        _registrations.Dispose();
        _contents.Dispose();
        loader.Dispose();
    }

    private async Task<LoadedAdapter> AskAsync(string name, CancellationToken cancellation)
    {
        AdapterOrigin? origin = await FindAsync(name, cancellation).ConfigureAwait(false);
        AdapterPackage package = origin?.ToPackage(name) ?? throw new AdapterNotFoundException(name);
        return await _contents.Run(name, ending => loader.Read(package, ending), cancellation).ConfigureAwait(false);
    }

    private async Task<AdapterOrigin?> FindAsync(string name, CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            // What the source does before its first await may touch files, and hang.
            Asked asked = await _contents.Run(name, _ => new Asked(Ask(name, ending.Token)), cancellation).ConfigureAwait(false);
            return await asked.Answer.WaitAsync(_limit, clock, cancellation).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // Said here and not left to the link, which ends with this method.
            await ending.CancelAsync().ConfigureAwait(false);
            if (error is SLoraException || cancellation.IsCancellationRequested)
            {
                throw;
            }

            string problem = error is TimeoutException
                ? string.Create(CultureInfo.InvariantCulture, $"the adapter source timed out after {_limit.TotalSeconds:0.###} s")
                : "the adapter source failed: " + Shown.Text(ErrorText.Of(error));
            throw new AdapterLoadException(name, LoadErrorKind.File, problem, error);
        }
    }

    /// <summary>What the source throws at once is its answer like what it throws later.</summary>
    private Task<AdapterOrigin?> Ask(string name, CancellationToken cancellation)
    {
        try
        {
            return source!.FindAsync(name, cancellation).AsTask();
        }
        catch (Exception error)
        {
            return Task.FromException<AdapterOrigin?>(error);
        }
    }

    private sealed record Asked(Task<AdapterOrigin?> Answer);

    private sealed record Registered((AdapterHeaders Headers, PageImage? Image) Adapter) : IDisposable
    {
        public void Dispose() => Adapter.Image?.Dispose();
    }
}
