using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Pool;

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
    private readonly NextTurn _next;
    private readonly Prefetch _prefetch;

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
        var preloads = new PreloadLine();
        _next = new NextTurn(queue, preloads, parts.StreamBuffer);
        Store = new HostStore(parts.Pages, _slice, _next, options, parts.Clock);
        Cache = new DeviceCache(parts.Pool, parts.Pages, Store, parts.PagedIn, parts.Clock);
        Reclaim = parts.Prefixes is { } prefixes ? new Reclaim(parts.Pool, Cache, prefixes) : new Reclaim(parts.Pool, Cache);
        Generations = new Generations(Store, Cache, parts.Prefixes);
        Names = new AdapterNames(Generations, parts.HasAdapterSource, options.MaxSourceNames, parts.Clock, options.MaxAddedTokens);
        Loads = new ContentLoads(parts.ReadContent, Store, options, parts.Clock, contentRead, wakeUp);
        Needs = new WaitingNeeds(queue);
        _prefetch = new Prefetch(queue, Loads, Cache);
        Preloads = new Preloads(preloads, Loads, Cache, Generations, Reclaim, parts.Pool, queue, Needs);
    }

    /// <summary>Name → registration.</summary>
    public AdapterNames Names { get; }

    /// <summary>Content in main memory.</summary>
    public HostStore Store { get; }

    /// <summary>Content in the pool.</summary>
    public DeviceCache Cache { get; }

    /// <summary>Contents, wherever their bytes are.</summary>
    public Generations Generations { get; }

    /// <summary>Takes back idle pages, of generations and of prefixes.</summary>
    public Reclaim Reclaim { get; }

    /// <summary>Content that is being read.</summary>
    public ContentLoads Loads { get; }

    /// <summary>What waiting requests need at most.</summary>
    public WaitingNeeds Needs { get; }

    /// <summary>What the program wants in pages.</summary>
    public Preloads Preloads { get; }

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
        Store.Trim();
        Preloads.Advance();
        _prefetch.Advance(_next.Sequence, _parts.Clock.GetTimestamp());
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
            registration.NoteAnswer(loaded.Headers);
            if (registration.Leases == 0)
            {
                registration.NoteAnswer(null);
            }

            return;
        }

        registration.NoteAnswer(null);
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

        registration.NoteHeaders(loaded.Headers);
        Generations.Attach(registration, image);
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

        registration.NoteHeaders(found.Headers);
        registration.Failure = null;
        Generations.Attach(registration, image);
        TellWaiting(registration);
        return false;
    }

    private void TellWaiting(AdapterRegistration registration) => _queue.ContentArrived(registration, _parts.Clock.GetTimestamp());

    /// <summary>A name gets new content; requests that hold the old go on with it.</summary>
    private void Succeed(AdapterRegistration old, AdapterHeaders headers, PageImage image)
    {
        if (old.IsNamed)
        {
            Names.Register(new AdapterRegistration(old.Name, headers, old.IsFromSource, old.LastUsed), image, replace: true);
        }
        else
        {
            image.Dispose();
        }
    }
}
