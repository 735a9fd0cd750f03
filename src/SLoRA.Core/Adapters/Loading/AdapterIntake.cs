using System.Globalization;
using Microsoft.Extensions.Logging;
using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Diagnostics;
using SLoRA.Errors;

namespace SLoRA.Adapters.Loading;

/// <summary>
/// Everything that reads adapters of one engine, on threads of its own: registrations, content out of packages, and what the adapter source
/// says, asked anew each time that content is needed. Thread-safe.
/// </summary>
/// <param name="loader">Reads and checks.</param>
/// <param name="source">Where unknown names are looked up; null for nowhere.</param>
/// <param name="options">How many readings at a time, and how long each may take.</param>
/// <param name="clock">Measures that.</param>
/// <param name="logger">Told of adapters that have changed.</param>
internal sealed class AdapterIntake(
    AdapterLoader loader, IAdapterSource? source, AdapterCacheOptions options, TimeProvider clock, ILogger logger) : IDisposable
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
    public LoadedAdapter Read(AdapterPackage package, AdapterValidation validation, CancellationToken cancellation) =>
        Read(package, validation, null, cancellation);

    /// <summary>The same, in the background.</summary>
    /// <inheritdoc cref="Read(AdapterPackage, AdapterValidation, CancellationToken)"/>
    public Task<LoadedAdapter> RegisterAsync(AdapterPackage package, AdapterValidation validation, CancellationToken cancellation) =>
        _registrations.Run(package.Name, reading => Read(package, validation, reading, reading.Ending), cancellation);

    /// <summary>
    /// Begins to read the content of a registration; the engine's thread calls it and does not wait. What the adapter source brings is
    /// looked at first: only its headers come, and when there is room for the content, the next call brings that.
    /// </summary>
    /// <exception cref="AdapterNotFoundException">The source does not know the name.</exception>
    /// <exception cref="AdapterChangedException">It is not what it was, and that is refused.</exception>
    /// <exception cref="AdapterTooLargeException">No request could ever use it.</exception>
    /// <exception cref="AdapterLoadException">The source fails or takes too long, or the adapter is broken or takes too long to
    /// read.</exception>
    public async Task<LoadedAdapter> ReadAsync(AdapterRegistration registration, CancellationToken cancellation)
    {
        AdapterHeaders? known = registration.Headers;
        GenerationId? expected = registration.Generation?.Id;
        ContentLoad? load = registration.Loading;
        try
        {
            LoadedAdapter loaded = registration.IsFromSource && registration.Answer is null
                ? await AskAsync(registration.Name, known, expected, load, cancellation).ConfigureAwait(false)
                : await ReadAsync(registration.Answer ?? known!, expected, load, cancellation).ConfigureAwait(false);
            if (expected is { } before && loaded.Image is { } image && image.Id != before)
            {
                Log.Adopted(logger, registration.Name, known!.IdentityOf(before), loaded.Headers.IdentityOf(image.Id));
            }

            return loaded;
        }
        catch (AdapterChangedException error)
        {
            Log.Changed(logger, error.Adapter, error.Expected, error.Found);
            throw;
        }
    }

    /// <summary>Reads a registered adapter again if it has changed where it comes from.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="known">What is known of it.</param>
    /// <param name="isFromSource">Whether the adapter source brought it.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>What it is now; null when its files stand as they stood.</returns>
    /// <inheritdoc cref="ReadAsync(AdapterRegistration, CancellationToken)"/>
    public async Task<LoadedAdapter?> ReadChangedAsync(string name, AdapterHeaders known, bool isFromSource, CancellationToken cancellation)
    {
        AdapterPackage package = isFromSource ? await FindAsync(name, null, cancellation).ConfigureAwait(false) : known.Package;
        if (!isFromSource && !package.CanReadAgain)
        {
            return null;
        }

        Refreshed refreshed = await _registrations.Run(name, reading => new Refreshed(ReadChanged(package, known, reading)), cancellation)
            .ConfigureAwait(false);
        return refreshed.Adapter;
    }

    /// <summary>Gives up everything that is being read. From here on the base model's memory may go, whoever still hangs.</summary>
    public void Dispose()
    {
        _registrations.Dispose();
        _contents.Dispose();
        loader.Dispose();
    }

    private LoadedAdapter Read(AdapterPackage package, AdapterValidation validation, ReadClock? reading, CancellationToken cancellation)
    {
        AdapterHeaders headers = loader.ReadHeaders(package, reading, cancellation);
        return validation == AdapterValidation.Content
            ? loader.ReadContent(headers, null, ChangedContent.Refuse, reading, cancellation)
            : new LoadedAdapter(headers, null);
    }

    private LoadedAdapter? ReadChanged(AdapterPackage package, AdapterHeaders known, ReadClock reading) =>
        known.Stamp is { } stamp && loader.Look(package) == stamp
            ? null
            : Read(package, AdapterValidation.Content, reading, reading.Ending);

    private Task<LoadedAdapter> ReadAsync(AdapterHeaders headers, GenerationId? expected, ContentLoad? load, CancellationToken cancellation)
    {
        ChangedContent change = options.ChangedContent;
        return _contents.Run(
            headers.Package.Name, reading => loader.ReadContent(headers, expected, change, reading, reading.Ending), cancellation,
            load is null ? null : load.Rest);
    }

    /// <summary>What the source says now. A folder comes with its headers; tensors, which are in memory already, at once.</summary>
    private async Task<LoadedAdapter> AskAsync(
        string name, AdapterHeaders? known, GenerationId? expected, ContentLoad? load, CancellationToken cancellation)
    {
        AdapterPackage package = await FindAsync(name, load, cancellation).ConfigureAwait(false);
        AdapterHeaders found = (await _contents.Run(
            name, reading => new LoadedAdapter(loader.ReadHeaders(package, reading, reading.Ending), null), cancellation, load is null
                ? null
                : load.Rest).ConfigureAwait(false)).Headers;
        if (known is not null && options.ChangedContent == ChangedContent.Refuse
            && !found.Fingerprint.Span.SequenceEqual(known.Fingerprint.Span))
        {
            throw new AdapterChangedException(name, "what the adapter source brings", known.IdentityOf(expected), found.IdentityOf(null));
        }

        return package.CanReadAgain
            ? new LoadedAdapter(found, null)
            : await ReadAsync(found, expected, load, cancellation).ConfigureAwait(false);
    }

    private async Task<AdapterPackage> FindAsync(string name, ContentLoad? load, CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            // What the source does before its first await may touch files, and hang.
            Asked asked = await _contents.Run(
                name, _ => new Asked(Ask(name, ending.Token)), cancellation, load is null ? null : load.Rest).ConfigureAwait(false);

            // From here on no thread waits: the place is free for others.
            load?.Ask();
            using ITimer? patience = load is null
                ? null
                : clock.CreateTimer(static load => ((ContentLoad)load!).Rest(), load, ReadThreads.Patience, Timeout.InfiniteTimeSpan);
            AdapterOrigin? origin = await asked.Answer.WaitAsync(_limit, clock, cancellation).ConfigureAwait(false);
            return origin?.ToPackage(name) ?? throw new AdapterNotFoundException(name);
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

    private sealed record Refreshed(LoadedAdapter? Adapter) : IDisposable
    {
        public void Dispose() => Adapter?.Dispose();
    }
}
