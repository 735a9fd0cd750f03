namespace SLoRA.Adapters.Intake;

/// <summary>
/// Guards memory that other threads look into against being freed meanwhile. Once it is closed nobody enters any more, and those inside
/// have left. Thread-safe.
/// </summary>
internal sealed class MemoryGate
{
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _empty = new(true);
    private int _inside;
    private bool _closed;

    /// <summary>Enters: the memory stays until the visit is disposed. What is done inside must not wait for anything.</summary>
    /// <exception cref="EngineDisposedException">The gate is closed.</exception>
    public Visit Enter()
    {
        lock (_gate)
        {
            if (_closed)
            {
                throw new EngineDisposedException();
            }

            _inside++;
            _empty.Reset();
        }

        return new Visit(this);
    }

    /// <summary>Lets nobody in any more, and returns when nobody is inside.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
        }

        _empty.Wait();
    }

    private void Leave()
    {
        lock (_gate)
        {
            if (--_inside == 0)
            {
                _empty.Set();
            }
        }
    }

    /// <summary>The time that somebody spends inside.</summary>
    internal readonly struct Visit(MemoryGate gate) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose() => gate.Leave();
    }
}
