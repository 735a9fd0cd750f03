using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>The operations that take each row by itself.</summary>
[NonParallelizable]
[DeviceFixture]
public sealed class RowTests
{
    [SeededProperty(MaxTest = 40)]
    public void Norms_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        KernelChecks.Norms(twin, rows, random.Next(1, random.Next(2) == 0 ? 100 : 1000), random.Next(1, 4), random.Next(1, 140));
    }

    [SeededProperty(MaxTest = 40)]
    public void Gates_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        KernelChecks.Gates(twin, rows, random.Next(1, 300), random.Next(1, 85));
    }

    [SeededProperty(MaxTest = 40)]
    public void Sums_gathers_and_look_ups_have_the_bits_of_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20);
        using GpuTwin twin = SharedDevice.Twin(seed, rows, rows);
        KernelChecks.Moves(twin, rows, random.Next(1, 300));
    }
}
