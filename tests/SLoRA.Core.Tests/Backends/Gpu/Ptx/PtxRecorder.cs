using SLoRA.Backends.Gpu;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>
/// Keeps launches of the interpreter, and repeats them with the bytes that they were given: what a step has else has to be found in memory.
/// </summary>
internal sealed class PtxRecorder : ILaunchRecorder
{
    private readonly List<List<PtxLaunch>?> _kept = [];

    /// <summary>How often something kept was run.</summary>
    public int Runs { get; private set; }

    /// <summary>How much is kept.</summary>
    public int Records => _kept.Count(launches => launches is not null);

    public bool TryBegin()
    {
        PtxKernelLoader.Kept = [];
        return true;
    }

    public nint End()
    {
        _kept.Add(PtxKernelLoader.Kept);
        PtxKernelLoader.Kept = null;
        return _kept.Count;
    }

    public void Launch(nint kept)
    {
        Runs++;
        foreach (PtxLaunch launch in _kept[(int)kept - 1]!)
        {
            (launch with { Memory = launch.Memory.Again() }).Run();
        }
    }

    public void Free(nint kept) => _kept[(int)kept - 1] = null;
}
