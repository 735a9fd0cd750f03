namespace SLoRA.Engine;

/// <summary>The thread that an engine loop runs on: step after step, asleep when there is nothing to compute.</summary>
internal sealed class EngineThread : IAsyncDisposable
{
    private readonly EngineLoop _loop;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _stopping;

    /// <summary>Starts the loop.</summary>
    public EngineThread(EngineLoop loop, Action<Exception> faulted)
    {
        _loop = loop;
        new Thread(() => Run(faulted)) { IsBackground = true, Name = "SLoRA engine" }.Start();
    }

    /// <summary>Ends every request, and returns when the thread has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        try
        {
            _loop.Post(Wake.Instance);
        }
        catch (SLoraException)
        {
            // The loop has ended by itself.
        }

        await _stopped.Task.ConfigureAwait(false);
    }

    private void Run(Action<Exception> faulted)
    {
        try
        {
            while (!_stopping)
            {
                if (!_loop.Step())
                {
                    _loop.Wait();
                }
            }

            _loop.End(new EngineDisposedException());
        }
        catch (Exception error)
        {
            faulted(error);
            EndFaulted(new EngineFaultedException(error), faulted);
        }
        finally
        {
            _stopped.SetResult();
        }
    }

    /// <summary>Ends every request. What fails while that is done is logged: an engine that has failed takes no process with it.</summary>
    private void EndFaulted(EngineFaultedException fault, Action<Exception> faulted)
    {
        try
        {
            _loop.End(fault);
        }
        catch (Exception error)
        {
            faulted(error);
        }
    }
}
