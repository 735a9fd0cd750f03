using System.Runtime.ExceptionServices;

namespace SLoRA.Engine;

/// <summary>
/// A thread that computes steps beside the engine's own. The two run at the same time within <see cref="ComputeBeside"/> and at no other
/// moment, so that neither needs a lock. Allocates nothing per step.
/// </summary>
internal sealed class DeviceThread : IDisposable
{
    private readonly Action _compute;
    private readonly SemaphoreSlim _asked = new(0);
    private readonly SemaphoreSlim _done = new(0);
    private readonly Thread _thread;
    private Exception? _failure;
    private bool _stopping;

    /// <summary>Starts the thread.</summary>
    /// <param name="compute">Computes one step.</param>
    public DeviceThread(Action compute)
    {
        _compute = compute;
        _thread = new Thread(Work) { IsBackground = true, Name = "SLoRA step" };
        _thread.Start();
    }

    /// <summary>
    /// Computes one step on the thread and does something else on the caller's meanwhile. Returns, or throws, when both have come to their
    /// end: the device is never left computing.
    /// </summary>
    /// <param name="beside">The other thing.</param>
    /// <exception cref="Exception">What <paramref name="beside"/> threw, or else what computing threw.</exception>
    public void ComputeBeside(Action beside)
    {
        _failure = null;
        _asked.Release();
        try
        {
            beside();
        }
        finally
        {
            _done.Wait();
        }

        if (_failure is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Ends the thread and waits for it.</summary>
    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }

        _stopping = true;
        _asked.Release();
        _thread.Join();
        _asked.Dispose();
        _done.Dispose();
    }

    private void Work()
    {
        _asked.Wait();
        while (!_stopping)
        {
            try
            {
                _compute();
            }
            catch (Exception error)
            {
                _failure = error;
            }

            _done.Release();
            _asked.Wait();
        }
    }
}
