namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>A launch of a kernel on memory of this process.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Grid">How many blocks.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="Parameters">The bytes of all parameters.</param>
/// <param name="Memory">What it may touch.</param>
internal sealed record PtxLaunch(PtxKernel Kernel, (int X, int Y, int Z) Grid, int Threads, byte[] Parameters, DeviceMemoryWatch Memory)
{
    /// <summary>Runs every block, one after another.</summary>
    /// <exception cref="PtxFault">The kernel does what it must not.</exception>
    public void Run()
    {
        if (Grid.X < 1 || Grid.Y < 1 || Grid.Z < 1)
        {
            throw new PtxFault($"A grid of {Grid} is empty, which drivers refuse.");
        }

        for (int i = 0; i < Grid.X * Grid.Y * Grid.Z; i++)
        {
            new Block(this, i).Run();
        }
    }
}
