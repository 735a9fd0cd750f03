using SLoRA.Adapters.Packing;
using SLoRA.Errors;

namespace SLoRA.Adapters.Resident;

/// <summary>
/// The readings of content that are under way: so many at a time, only as far as the host store has room for what they bring, and not again
/// at once what has just failed. Outcomes come back through the inbox. Belongs to the engine's thread.
/// </summary>
/// <param name="read">Begins to read.</param>
/// <param name="store">Where content goes.</param>
/// <param name="options">The bounds.</param>
/// <param name="clock">The clock.</param>
/// <param name="done">Told of every outcome, on any thread.</param>
/// <param name="placeFree">Told, on any thread, that a reading gets nothing for now and others may begin.</param>
internal sealed class ContentLoads(
    ReadContent read,
    HostStore store,
    AdapterCacheOptions options,
    TimeProvider clock,
    Action<AdapterRegistration, LoadedAdapter?, Exception?> done,
    Action placeFree)
{
    /// <summary>For how long nobody reads again what failed once; twice as long after each further failure.</summary>
    public static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest time that nobody reads again.</summary>
    public static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The most questions that the adapter source is asked at the same time, those not counted that it has not answered for a while.
    /// </summary>
    public const int MostAsked = 64;

    // Loads in each state. Others than the engine's thread move them.
    private readonly int[] _counts = new int[(int)ContentLoadState.Ended + 1];
    private long _bytes;

    /// <summary>Whether another reading may begin.</summary>
    public bool HasSlot => CountOf(ContentLoadState.Reads) < options.MaxConcurrentLoads && CountOf(ContentLoadState.Asks) < MostAsked;

    /// <summary>
    /// Why the content of an adapter is not read now: its last reading failed a moment ago. Null when there is nothing against it.
    /// </summary>
    public Exception? RefusalOf(AdapterRegistration registration) =>
        registration.Failure is { } failure && clock.GetTimestamp() < registration.RetryAt ? SLoraException.Repeat(failure) : null;

    /// <summary>Begins to read, unless that is under way.</summary>
    /// <param name="registration">What to read.</param>
    /// <param name="isFirst">Whether the head of the queue needs it: then it is read although the host store is full of what others wait
    /// for.</param>
    /// <returns>False when it has to wait.</returns>
    public bool TryBegin(AdapterRegistration registration, bool isFirst)
    {
        if (registration.Loading is not null)
        {
            return true;
        }

        long bytes = registration.LatestHeaders?.Shape.ImageBytes ?? 0;
        if (!HasSlot || (!isFirst && !store.HasRoomFor(_bytes + bytes)))
        {
            return false;
        }

        registration.Loading = new ContentLoad(bytes, Moved);
        Interlocked.Increment(ref _counts[(int)ContentLoadState.Reads]);
        _bytes += bytes;
        _ = ReadAsync(registration, registration.Loading.Ending);
        return true;
    }

    /// <summary>Notes that a reading has ended.</summary>
    /// <param name="registration">What was read.</param>
    /// <param name="hasContent">Whether the content has come, not only the answer of the adapter source.</param>
    /// <param name="error">Why nothing has come; null when something has.</param>
    public void End(AdapterRegistration registration, bool hasContent, Exception? error)
    {
        _bytes -= registration.Loading!.Bytes;
        registration.Loading.Dispose();
        registration.Loading = null;
        if (error is OperationCanceledException || (error is null && !hasContent))
        {
            return;
        }

        registration.Failure = error;
        registration.Failures = error is null ? 0 : registration.Failures + 1;
        if (error is not null)
        {
            TimeSpan pause = FirstRetry * Math.Pow(2, Math.Min(registration.Failures - 1, 20));
            pause = pause < LongestRetry ? pause : LongestRetry;
            registration.RetryAt = clock.GetTimestamp() + (long)(pause.TotalSeconds * clock.TimestampFrequency);
        }
    }

    private int CountOf(ContentLoadState state) => Volatile.Read(ref _counts[(int)state]);

    private void Moved(ContentLoadState from, ContentLoadState to)
    {
        Interlocked.Decrement(ref _counts[(int)from]);
        if (to != ContentLoadState.Ended)
        {
            Interlocked.Increment(ref _counts[(int)to]);
            placeFree();
        }
    }

    private async Task ReadAsync(AdapterRegistration registration, CancellationToken cancellation)
    {
        try
        {
            LoadedAdapter loaded = await read(registration, cancellation).ConfigureAwait(false);
            done(registration, loaded, null);
        }
        catch (Exception error) when (error is SLoraException or OperationCanceledException)
        {
            done(registration, null, error);
        }
        catch (Exception error)
        {
            done(registration, null, new AdapterLoadException(registration.Name, LoadErrorKind.File, "cannot be loaded: "
                + Shown.Text(ErrorText.Of(error)), error));
        }
    }
}
