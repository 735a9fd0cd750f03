using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Pool;
using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>
/// The way of adapters from disk to pages and back: what is read, what is kept in main memory, what has pages, and how much of it moves
/// between two steps. Belongs to the engine's thread.
/// </summary>
internal sealed class Residency
{
    private readonly ResidencyParts _parts;
    private readonly WaitingQueue _queue;
    private readonly SliceBudget _slice;
    private readonly Prefetch _prefetch;
    private Preloads? _preloads;

    /// <summary>Puts the parts together.</summary>
    /// <param name="parts">What the engine is made of.</param>
    /// <param name="queue">Who waits.</param>
    /// <param name="contentRead">Told of every outcome of reading, on any thread.</param>
    /// <param name="wakeUp">Lets the engine's thread look for work; any thread.</param>
    public Residency(
        ResidencyParts parts, WaitingQueue queue, Action<AdapterRegistration, LoadedAdapter?, Exception?> contentRead, Action wakeUp)
    {
        _parts = parts;
        _queue = queue;
        AdapterCacheOptions options = parts.AdapterCache;
        _slice = new SliceBudget(options.PageInShare);
        Cache = new DeviceCache(parts.Pool, parts.Pages, parts.Clock);
        Store = new HostStore(Cache, parts.Pages, _slice, options, parts.Clock);
        Cache.Leaving = Store.ReadBack;
        Names = new AdapterNames(Store, parts.HasAdapterSource, options.MaxSourceNames, parts.Clock);
        Loads = new ContentLoads(parts.ReadContent, Store, options, parts.Clock, contentRead, wakeUp);
        _prefetch = new Prefetch(queue, Loads, Cache, parts.StreamBuffer);
    }

    /// <summary>Name → registration.</summary>
    public AdapterNames Names { get; }

    /// <summary>Content in main memory.</summary>
    public HostStore Store { get; }

    /// <summary>Content in the pool.</summary>
    public DeviceCache Cache { get; }

    /// <summary>Content that is being read.</summary>
    public ContentLoads Loads { get; }

    /// <summary>What the program wants in pages.</summary>
    public Preloads Preloads => _preloads!;

    /// <summary>Connects it with those who run.</summary>
    public void Connect(Reclaim reclaim, Func<Generation, int, int> neededBeside) =>
        _preloads = new Preloads(Loads, Cache, Store, reclaim, _parts.Pool, _queue, neededBeside);

    /// <summary>A step begins: what may be copied before it computes.</summary>
    /// <param name="othersRun">Whether sequences compute that copying would hold up.</param>
    public void Begin(bool othersRun)
    {
        _slice.Begin(othersRun);
        _parts.Pace.BeginStep(othersRun, _slice.StepTime);
    }

    /// <summary>After admission: brings what the program and the waiting requests want nearer, and copies a slice into pages.</summary>
    public void Advance()
    {
        Sequence? next = _prefetch.Next;
        Store.NextLeases = next?.Request.Leases ?? [];
        Store.NextPreload = Preloads.First;
        Store.Trim();
        Preloads.Advance();
        _prefetch.Advance(next, _parts.Clock.GetTimestamp());
        if (Cache.PagingIn.Count == 0)
        {
            return;
        }

        long started = _parts.Clock.GetTimestamp();
        long copied = Cache.PageIn(_slice.Left);
        _slice.TrySpend(copied);
        _slice.NoteCopy(copied, _parts.Clock.GetElapsedTime(started));

        // What has arrived is reported at once: when nothing runs, there may be no further step.
        Preloads.Advance();
    }

    /// <summary>Nothing can compute: waits for copies that run beside the steps and have been begun.</summary>
    /// <returns>Whether an adapter has arrived.</returns>
    public bool TryFinishCopies()
    {
        if (!Cache.TryFinishCopies())
        {
            return false;
        }

        Preloads.Advance();
        return true;
    }

    /// <summary>A step has computed.</summary>
    public void End(long started) => _slice.NoteStep(_parts.Clock.GetElapsedTime(started));

    /// <summary>
    /// Content, or what the adapter source says about it, has arrived for a registration. When it is other content than before, which the
    /// options allow then, it is the name's from here on, and nobody goes on under it who has begun under the old.
    /// </summary>
    /// <param name="registration">The registration.</param>
    /// <param name="loaded">What has arrived; taken over.</param>
    /// <param name="changed">Ends the requests that have begun under the old content, which is gone.</param>
    public void Attach(AdapterRegistration registration, LoadedAdapter loaded, Action<Exception> changed)
    {
        if (loaded.Image is not { } image)
        {
            registration.Answer = registration.Leases > 0 ? loaded.Headers : null;
            registration.Headers ??= loaded.Headers;
            return;
        }

        registration.Answer = null;
        if (registration.Generation is { } old && old.Id != image.Id)
        {
            if (old.IsAvailable)
            {
                // Others with the same content have brought it back meanwhile: who holds it stays with it.
                Succeed(registration, loaded.Headers, image);
                TellWaiting(registration);
                return;
            }

            changed(new AdapterChangedException(
                registration.Name, "where it comes from", registration.Headers!.IdentityOf(old.Id), loaded.Headers.IdentityOf(image.Id)));
        }

        registration.IsStale = false;
        registration.Headers = loaded.Headers;
        Store.Attach(registration, image);
        TellWaiting(registration);
    }

    /// <summary>The program asks for what an adapter is now.</summary>
    /// <param name="registration">What the name stood for when it asked.</param>
    /// <param name="found">What has been read; taken over.</param>
    /// <returns>Whether the name stands for other content now.</returns>
    public bool Refresh(AdapterRegistration registration, LoadedAdapter found)
    {
        if (!registration.IsNamed)
        {
            found.Dispose();
            return false;
        }

        PageImage image = found.Image!;
        if (registration.Generation is not { } old || old.Id != image.Id)
        {
            Succeed(registration, found.Headers, image);
            return true;
        }

        registration.IsStale = false;
        registration.Headers = found.Headers;
        registration.Failure = null;
        Store.Attach(registration, image);
        TellWaiting(registration);
        return false;
    }

    private void TellWaiting(AdapterRegistration registration) => _queue.ContentArrived(registration, _parts.Clock.GetTimestamp());

    /// <summary>A name gets new content; requests that hold the old go on with it.</summary>
    private void Succeed(AdapterRegistration old, AdapterHeaders headers, PageImage image)
    {
        if (old.IsNamed)
        {
            Names.Register(new AdapterRegistration(old.Name, headers, old.IsFromSource) { LastUsed = old.LastUsed }, image, replace: true);
        }
        else
        {
            image.Dispose();
        }
    }
}
