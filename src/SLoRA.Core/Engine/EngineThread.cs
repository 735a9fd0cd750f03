namespace SLoRA.Engine;

/// <summary>The thread that an engine loop runs on: step after step, asleep when there is nothing to compute.</summary>
internal sealed class EngineThread : IAsyncDisposable
{
    private readonly EngineLoop _loop;
    private readonly Action<Exception> _failed;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _stopping;

    /// <summary>Starts the loop.</summary>
    /// <param name="loop">What runs.</param>
    /// <param name="start">Starts a thread.</param>
    /// <param name="failed">Told what made the engine fail, and what failed while it ended; must not throw.</param>
    public EngineThread(EngineLoop loop, Action<ThreadStart> start, Action<Exception> failed)
    {
        _loop = loop;
        _failed = failed;
        start(Run);
    }

    /// <summary>Ends when the engine has ended, with <see cref="EngineFaultedException"/> if it has failed.</summary>
    public Task Completion => _stopped.Task;

    /// <summary>Starts a thread of the system.</summary>
    public static void StartThread(ThreadStart run) => new Thread(run) { IsBackground = true, Name = "SLoRA engine" }.Start();

    /// <summary>Ends every request, and returns when the thread has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        _loop.Port.WakeUp();
        await _stopped.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Nothing escapes: an engine that has failed ends its streams and takes no process with it.</summary>
    private void Run()
    {
        SLoraException reason = RunLoop();
        try
        {
            _loop.End(reason);
        }
        catch (Exception error)
        {
            _failed(error);
        }
        finally
        {
            Stop(reason);
        }
    }

    private void Stop(SLoraException reason)
    {
        if (reason is EngineFaultedException)
        {
            _stopped.SetException(reason.Repeat());

            // Nobody has to look: every stream has been told.
            _ = _stopped.Task.Exception;
        }
        else
        {
            _stopped.SetResult();
        }
    }

    /// <summary>Makes steps until the engine is disposed or fails.</summary>
    /// <returns>Why it makes no more.</returns>
    private SLoraException RunLoop()
    {
        try
        {
            while (!_stopping)
            {
                if (!_loop.Step())
                {
                    _loop.Port.Wait();
                }
            }

            return new EngineDisposedException();
        }
        catch (Exception error)
        {
            _failed(error);
            return new EngineFaultedException(error);
        }
    }
}
