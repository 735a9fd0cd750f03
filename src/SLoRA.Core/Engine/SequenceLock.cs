namespace SLoRA.Engine;

/// <summary>
/// A value that one thread writes and any thread reads, without a lock: the writer makes the version odd while it writes, and a reader
/// reads again when the version was odd or has changed. The writer never waits.
/// </summary>
/// <typeparam name="T">The value: fields of at most 8 bytes.</typeparam>
internal sealed class SequenceLock<T>
    where T : unmanaged
{
    private long _version;
    private T _value;

    /// <summary>Replaces the value. The writer's thread.</summary>
    public void Write(in T value)
    {
        long version = _version;
        Volatile.Write(ref _version, version + 1);
        Volatile.WriteBarrier();
        _value = value;
        Volatile.Write(ref _version, version + 2);
    }

    /// <summary>The value as it was written last. Any thread.</summary>
    public T Read()
    {
        var spin = new SpinWait();
        while (true)
        {
            long version = Volatile.Read(ref _version);
            T value = _value;
            Volatile.ReadBarrier();
            if ((version & 1) == 0 && version == Volatile.Read(ref _version))
            {
                return value;
            }

            spin.SpinOnce();
        }
    }
}
