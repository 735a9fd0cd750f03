namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>A group of threads with its shared memory.</summary>
internal sealed class Block
{
    private readonly PtxLaunch _launch;
    private readonly Warp[] _warps;
    private readonly (int X, int Y, int Z) _index;

    public Block(PtxLaunch launch, int number)
    {
        _launch = launch;
        Number = number;
        (int x, int y, int z) = launch.Grid;
        _index = (number % x, number / x % y, number / x / y);
        _ = z;
        Shared = new SharedMemoryWatch(Kernel.SharedBytes);
        _warps = [.. Enumerable.Range(0, (launch.Threads + 31) / 32).Select(i => new Warp(this, 32 * i, launch.Threads - (32 * i)))];
    }

    public PtxKernel Kernel => _launch.Kernel;

    public int Number { get; }

    public SharedMemoryWatch Shared { get; }

    public DeviceMemoryWatch Memory => _launch.Memory;

    public ReadOnlySpan<byte> Parameters => _launch.Parameters;

    /// <summary>Runs from barrier to barrier, to the end.</summary>
    public void Run()
    {
        while (!_warps.All(warp => warp.HasEnded))
        {
            foreach (Warp warp in _warps)
            {
                warp.RunToBarrier();
            }

            if (_warps.Any(warp => warp.HasEnded) && !_warps.All(warp => warp.HasEnded))
            {
                throw new PtxFault($"Some warps of block {Number} have ended and others wait at a barrier.");
            }

            Shared.Epoch++;
        }
    }

    /// <summary>The value of a register that the hardware has.</summary>
    public ulong Special(string name, int thread) => (ulong)(name switch
    {
        "%tid.x" => thread,
        "%tid.y" or "%tid.z" => 0,
        "%ntid.x" => _launch.Threads,
        "%ntid.y" or "%ntid.z" => 1,
        "%ctaid.x" => _index.X,
        "%ctaid.y" => _index.Y,
        "%ctaid.z" => _index.Z,
        "%nctaid.x" => _launch.Grid.X,
        "%nctaid.y" => _launch.Grid.Y,
        "%nctaid.z" => _launch.Grid.Z,
        "%laneid" => thread % 32,
        "%warpid" => thread / 32,
        _ => throw new PtxFault($"The interpreter does not know {name}."),
    });
}
