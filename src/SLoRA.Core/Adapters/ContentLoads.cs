using SLoRA.Diagnostics;

namespace SLoRA.Adapters;

/// <summary>
/// The readings of content that are under way: so many at a time, only as far as the host store has room for what they bring, and not again at once what has just
/// failed. Outcomes come back through the inbox. Belongs to the engine's thread.
/// </summary>
/// <param name="read">Begins to read.</param>
/// <param name="store">Where content goes.</param>
/// <param name="options">The bounds.</param>
/// <param name="clock">The clock.</param>
/// <param name="done">Told of every outcome, on any thread.</param>
internal sealed class ContentLoads(
    ReadContent read,
    HostStore store,
    AdapterCacheOptions options,
    TimeProvider clock,
    Action<AdapterRegistration, LoadedAdapter?, Exception?> done)
{
    /// <summary>For how long nobody reads again what failed once; twice as long after each further failure.</summary>
    public static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest time that nobody reads again.</summary>
    public static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(10);

    private int _count;
    private long _bytes;

    /// <summary>Whether another reading may begin.</summary>
    public bool HasSlot => _count < options.MaxConcurrentLoads;

    /// <summary>Why the content of an adapter is not read now: its last reading failed a moment ago. Null when there is nothing against it.</summary>
    public Exception? RefusalOf(AdapterRegistration registration) =>
        registration.Failure is { } failure && clock.GetTimestamp() < registration.RetryAt ? SLoraException.Repeat(failure) : null;

    /// <summary>Begins to read, unless that is under way.</summary>
    /// <param name="registration">What to read.</param>
    /// <param name="isFirst">Whether the head of the queue needs it: then it is read although the host store is full of what others wait for.</param>
    /// <returns>False when it has to wait.</returns>
    public bool TryBegin(AdapterRegistration registration, bool isFirst)
    {
        if (registration.Loading is not null)
        {
            return true;
        }

        long bytes = registration.Headers?.Shape.ImageBytes ?? 0;
        if (!HasSlot || (!isFirst && !store.HasRoomFor(_bytes + bytes)))
        {
            return false;
        }

        registration.Loading = new CancellationTokenSource();
        registration.LoadingBytes = bytes;
        _count++;
        _bytes += bytes;
        _ = ReadAsync(registration, registration.Loading.Token);
        return true;
    }

    /// <summary>Notes that a reading has ended, and with which error.</summary>
    public void End(AdapterRegistration registration, Exception? error)
    {
        _count--;
        _bytes -= registration.LoadingBytes;
        registration.Loading!.Dispose();
        registration.Loading = null;
        if (error is OperationCanceledException)
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
            done(registration, null, new AdapterLoadException(registration.Name, LoadErrorKind.File, "cannot be loaded: " + Shown.Text(ErrorText.Of(error)), error));
        }
    }
}
