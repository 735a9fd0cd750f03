using NUnit.Framework;
using SLoRA.Core.Tests.Backends.Cpu;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>The operations that only some families have.</summary>
[NonParallelizable]
[DeviceFixture]
public sealed class FamilyKernelTests
{
    [SeededProperty(MaxTest = 20)]
    public void Layer_norms_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        FamilyKernelChecks.LayerNorms(twin, rows, random.Next(2, random.Next(2) == 0 ? 100 : 1000));
    }

    [SeededProperty(MaxTest = 20)]
    public void Functions_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        FamilyKernelChecks.Functions(twin, rows, random.Next(1, 300), random.Next(1, 20));
    }

    [SeededProperty(MaxTest = 20)]
    public void Gates_of_experts_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        FamilyKernelChecks.GatesOfExperts(twin, rows, random.Next(1, 300));
    }

    [SeededProperty(MaxTest = 20)]
    public void Convolutions_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 10);
        using GpuTwin twin = SharedDevice.Twin(seed, rows + 1);
        FamilyKernelChecks.Convolutions(twin, random.Next(1, 300), random.Next(2, 6), rows);
    }

    [SeededProperty(MaxTest = 20)]
    public void Recurrences_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 10);
        using GpuTwin twin = SharedDevice.Twin(seed, rows + 1);
        FamilyKernelChecks.Recurrences(twin, FamilyOperations.AnyRecurrence(random), rows, gatesFirst: random.Next(2) == 0);
    }

    [SeededProperty(MaxTest = 30)]
    public void Rotations_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20), dim = 2 * random.Next(1, 40);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        FamilyKernelChecks.Rotations(twin, rows, FamilyOperations.AnyRope(random, dim), random.Next(1, 4), dim);
    }
}
