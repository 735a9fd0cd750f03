using SLoRA.Adapters.Intake;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Adapters;

/// <summary>An adapter on a disk whose bytes come when the test lets them, a few at a time. Its headers can be read at once.</summary>
internal sealed class ThrottledPackage : AdapterPackage
{
    private readonly AdapterFolder _folder;
    private readonly SemaphoreSlim _allowed = new(0);
    private readonly SemaphoreSlim _asked = new(0);
    private long _came;
    private int _piece;

    public ThrottledPackage(string name, string folder)
        : base(name)
    {
        _folder = new AdapterFolder(name, folder);
        using AdapterReader reader = _folder.Open(default);
        Length = reader.Tensors.Sum(tensor => tensor.Length);
    }

    /// <summary>Bytes of the content.</summary>
    public long Length { get; }

    /// <summary>Those of them that have come.</summary>
    public long Came => Volatile.Read(ref _came);

    public override AdapterReader Open(PacedLoad? load = null) => new Reader(this, _folder.Open(load));

    /// <summary>Lets the reading have its next bytes, and returns when it has had them and waits for more, or has all.</summary>
    /// <param name="bytes">The most bytes.</param>
    public void Let(int bytes)
    {
        Volatile.Write(ref _piece, bytes);
        _allowed.Release();
        SpinWait.SpinUntil(() => _asked.Wait(0) || Came == Length);
    }

    /// <summary>Returns when a reading waits for its first bytes.</summary>
    public void WaitUntilAsked() => _asked.Wait();

    private sealed class Reader(ThrottledPackage owner, AdapterReader inner) : WrappedReader(inner)
    {
        public override void Read(TensorEntry tensor, long offset, Span<byte> destination)
        {
            for (int done = 0; done < destination.Length;)
            {
                owner._asked.Release();
                owner._allowed.Wait();
                int bytes = Math.Min(Volatile.Read(ref owner._piece), destination.Length - done);
                base.Read(tensor, offset + done, destination.Slice(done, bytes));
                done += bytes;
                Interlocked.Add(ref owner._came, bytes);
            }
        }
    }
}
