using SLoRA.Backends;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// Pages in which bytes that were written beside the steps land when the test lets them, or the engine waits for them; not a byte earlier.
/// </summary>
internal sealed class LatePages(IPageMemory inner) : ForwardingPages(inner)
{
    private readonly Queue<(int Page, long Offset, byte[] Bytes)> _underWay = [];
    private long _written;
    private long _landed;

    /// <summary>Writes that have not landed.</summary>
    public int UnderWay => _underWay.Count;

    /// <summary>How often the engine has waited while something was under way.</summary>
    public int Waits { get; private set; }

    /// <summary>Called when the engine waits, before anything lands.</summary>
    public Action? Waiting { get; set; }

    public override long WriteBeside(int page, long offset, ReadOnlySpan<byte> source)
    {
        _underWay.Enqueue((page, offset, source.ToArray()));
        return ++_written;
    }

    public override bool IsWritten(long mark) => mark <= _landed;

    public override void Settle()
    {
        if (_underWay.Count > 0)
        {
            Waits++;
            Waiting?.Invoke();
            Land();
        }
    }

    /// <summary>Everything that is under way lands.</summary>
    public void Land()
    {
        while (_underWay.TryDequeue(out (int Page, long Offset, byte[] Bytes) write))
        {
            Inner.Write(write.Page, write.Offset, write.Bytes);
        }

        _landed = _written;
    }
}
