using SLoRA.Requests;
using SLoRA.Scheduling;

namespace SLoRA.Engine;

/// <summary>
/// The engine's side that every thread may use: what is posted here takes effect on the engine's thread, between two steps, in the order in
/// which it was posted.
/// </summary>
/// <param name="queue">Counts the places of those who wait.</param>
/// <param name="scheduling">The limits.</param>
internal sealed class EnginePort(WaitingQueue queue, SchedulingOptions scheduling) : IRequestPort
{
    private readonly Inbox _inbox = new();
    private readonly OpenStreams _open = new();
    private Exception? _ended;

    /// <inheritdoc/>
    public int StreamBuffer => scheduling.StreamBuffer;

    /// <inheritdoc/>
    public void Submit(GenerationStream stream)
    {
        // Known before it is posted: from here on it is owed an end.
        _open.Add(stream);
        try
        {
            if (!queue.TryEnter())
            {
                throw new EngineBusyException(scheduling.MaxWaiting);
            }

            Post(new Submission(stream));
        }
        catch
        {
            _open.Remove(stream);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Cancel(GenerationStream stream) => TryPost(new Cancellation(stream));

    /// <inheritdoc/>
    public void Ended(GenerationStream stream) => _open.Remove(stream);

    /// <summary>Takes no more requests.</summary>
    /// <returns>Ends when those that were handed in have ended.</returns>
    public Task DrainAsync() => _open.DrainAsync();

    /// <summary>The caller of a preload waits no more; does nothing for one that has ended.</summary>
    public void Cancel(Preload preload) => TryPost(new PreloadCancelled(preload));

    /// <inheritdoc/>
    public void WakeUp() => TryPost(Wake.Instance);

    /// <summary>Posts a command.</summary>
    /// <exception cref="SLoraException">The engine has ended: what it ended with.</exception>
    public void Post(EngineCommand command)
    {
        if (!TryPost(command))
        {
            throw _ended is EngineFaultedException fault ? SLoraException.Repeat(fault) : new EngineDisposedException();
        }
    }

    /// <summary>Posts a command.</summary>
    /// <returns>False when the engine has ended.</returns>
    public bool TryPost(EngineCommand command) => _inbox.TryPost(command);

    /// <summary>Does something on the engine's thread; whatever fails is in the task.</summary>
    public Task<T> CallAsync<T>(Func<EngineLoop, T> action)
    {
        var call = new Call<T>(action);
        try
        {
            Post(call);
        }
        catch (SLoraException error)
        {
            call.Abandon(error);
        }

        return call.Result;
    }

    /// <summary>Blocks until a command is posted. Engine's thread only.</summary>
    public void Wait() => _inbox.Wait();

    /// <summary>Applies what has been posted, so much of it as is taken between two steps. Engine's thread only.</summary>
    public void Apply(EngineLoop loop)
    {
        _inbox.BeginBatch();
        while (_inbox.TryTake(out EngineCommand? command))
        {
            try
            {
                command.Apply(loop);
            }
            catch (Exception error)
            {
                // It has been taken out, so nobody else will tell whoever waits for it.
                command.Abandon(new EngineFaultedException(error));
                throw;
            }
        }
    }

    /// <summary>Refuses what is posted from here on, and hands out what was not applied. Engine's thread only.</summary>
    /// <param name="reason">What later callers are told.</param>
    public List<EngineCommand> Close(Exception reason)
    {
        _ended = reason;
        _inbox.Close();
        var left = new List<EngineCommand>();
        while (_inbox.TryTake(out EngineCommand? command))
        {
            left.Add(command);
        }

        return left;
    }

    /// <summary>Ends the streams that nobody has ended: the engine will not come back to them. Engine's thread only.</summary>
    public void EndStreams(FinishReason reason, Exception error) => _open.EndAll(reason, error);
}
