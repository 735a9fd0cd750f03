using System.Globalization;
using System.Numerics;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Gpu.Kernels;

namespace SLoRA.Gpu.Bench;

/// <summary>What the device can do, measured by kernels that do nothing else.</summary>
/// <param name="BytesPerSecond">Read and written by a copy, added up.</param>
/// <param name="OperationsPerSecond">fp32 multiply-adds from registers, two operations each.</param>
internal sealed record DeviceCeilings(double BytesPerSecond, double OperationsPerSecond)
{
    private const int Rounds = 1024;
    private const int Chains = 16;

    /// <summary>Measures.</summary>
    public static DeviceCeilings Measure(GpuDevice device, DeviceClock clock)
    {
        var loader = new KernelLoader(device);
        bool isCuda = device.Accelerator is CudaAccelerator;
        long bytes = (isCuda ? 512L : 32L) << 20;
        int vectors = (int)(bytes / 16);
        using var source = new DeviceArena(device, bytes, "the source of a copy");
        using var target = new DeviceArena(device, bytes, "the target of a copy");
        var copy = loader.Load<Action<AcceleratorStream, KernelConfig, ArrayView<Vector4>, ArrayView<Vector4>>>(Copy);
        double seconds = clock.Median(_ => copy(
            device.Stream, Launch.Groups(vectors / KernelLoader.GroupSize), source.All.Cast<Vector4>(), target.All.Cast<Vector4>()));

        int groups = device.Accelerator.NumMultiprocessors * (isCuda ? 32 : 4);
        var multiplyAdd = loader.Load<Action<AcceleratorStream, KernelConfig, ArrayView<float>, int>>(MultiplyAdd);
        double fast = clock.Median(_ => multiplyAdd(device.Stream, Launch.Groups(groups), target.All.Cast<float>(), Rounds));
        return new DeviceCeilings(2 * bytes / seconds, 2.0 * Chains * Rounds * groups * KernelLoader.GroupSize / fast);
    }

    /// <summary>The shortest time for so many bytes and operations.</summary>
    public double Possible(double bytes, double operations) => Math.Max(bytes / BytesPerSecond, operations / OperationsPerSecond);

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"ceilings: {BytesPerSecond / 1e9:F1} GB/s copied, {OperationsPerSecond / 1e12:F2} TFLOP/s fp32");

    /// <summary>One line of JSON.</summary>
    public string ToJson() => string.Create(
        CultureInfo.InvariantCulture,
        $"{{\"ceiling_gb_s\":{BytesPerSecond / 1e9:F1},\"ceiling_tflop_s\":{OperationsPerSecond / 1e12:F3}}}");

    /// <summary><c>y = x</c>, 16 bytes a thread.</summary>
    private static void Copy(ArrayView<Vector4> x, ArrayView<Vector4> y)
    {
        int i = (Grid.IdxX * KernelLoader.GroupSize) + Group.IdxX;
        y[i] = x[i];
    }

    /// <summary>16 chains of multiply-adds a thread, each in a register of its own.</summary>
    private static void MultiplyAdd(ArrayView<float> y, int rounds)
    {
        float f = 1.0001f + (Group.IdxX * 1e-9f);
        float a0 = f, a1 = f, a2 = f, a3 = f, a4 = f, a5 = f, a6 = f, a7 = f, b0 = f, b1 = f, b2 = f, b3 = f, b4 = f, b5 = f,
            b6 = f, b7 = f;
        for (int i = 0; i < rounds; i++)
        {
            a0 = (a0 * f) + 0.5f;
            a1 = (a1 * f) + 0.5f;
            a2 = (a2 * f) + 0.5f;
            a3 = (a3 * f) + 0.5f;
            a4 = (a4 * f) + 0.5f;
            a5 = (a5 * f) + 0.5f;
            a6 = (a6 * f) + 0.5f;
            a7 = (a7 * f) + 0.5f;
            b0 = (b0 * f) + 0.5f;
            b1 = (b1 * f) + 0.5f;
            b2 = (b2 * f) + 0.5f;
            b3 = (b3 * f) + 0.5f;
            b4 = (b4 * f) + 0.5f;
            b5 = (b5 * f) + 0.5f;
            b6 = (b6 * f) + 0.5f;
            b7 = (b7 * f) + 0.5f;
        }

        y[(Grid.IdxX * KernelLoader.GroupSize) + Group.IdxX] =
            a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + b0 + b1 + b2 + b3 + b4 + b5 + b6 + b7;
    }
}
