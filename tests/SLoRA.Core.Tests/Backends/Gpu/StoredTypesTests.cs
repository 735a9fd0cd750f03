using ILGPU;
using ILGPU.Runtime;
using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>Every 16-bit element, and numbers around every border between two of them, on the host and on the device.</summary>
[NonParallelizable]
public sealed unsafe class StoredTypesTests
{
    private static readonly float[] Halves =
        [.. Enumerable.Range(0, 1 << 16).Select(bits => (float)BitConverter.UInt16BitsToHalf((ushort)bits))];
    private static readonly float[] Brains = [.. Enumerable.Range(0, 1 << 16).Select(bits => Elements.Widen((ushort)bits))];
    private static readonly uint[] Numbers = AllNumbers();

    [Test]
    public void Halves_widen_and_round_as_the_framework_has_them()
    {
        AssertWidened(Halves, [.. Enumerable.Range(0, 1 << 16).Select(bits => StoredF16.Load((ushort)bits))]);
        AssertRounded(NarrowToHalf, [.. Numbers.Select(bits => StoredF16.Store(BitConverter.UInt32BitsToSingle(bits)))]);
    }

    [Test]
    public void Brain_floats_widen_and_round_as_on_the_Cpu()
    {
        AssertWidened(Brains, [.. Enumerable.Range(0, 1 << 16).Select(bits => StoredBf16.Load((ushort)bits))]);
        AssertRounded(Elements.Narrow, [.. Numbers.Select(bits => StoredBf16.Store(BitConverter.UInt32BitsToSingle(bits)))]);
    }

    [Test]
    public void The_device_widens_and_rounds_halves_alike()
    {
        SharedDevice.IgnoreWithout();
        AssertWidened(Halves, Widen(ConversionKernels.Widen<StoredF16>));
        AssertRounded(NarrowToHalf, Round(ConversionKernels.Round<StoredF16>));
    }

    [Test]
    public void The_device_widens_and_rounds_brain_floats_alike()
    {
        SharedDevice.IgnoreWithout();
        AssertWidened(Brains, Widen(ConversionKernels.Widen<StoredBf16>));
        AssertRounded(Elements.Narrow, Round(ConversionKernels.Round<StoredBf16>));
    }

    private static ushort NarrowToHalf(float value) => BitConverter.HalfToUInt16Bits((System.Half)value);

    /// <summary>
    /// Bits of every half and brain float, of the numbers halfway to the next, the neighbours of both, and of random numbers.
    /// </summary>
    private static uint[] AllNumbers()
    {
        var numbers = new List<uint>();
        foreach (float[] values in (float[][])[Halves, Brains])
        {
            foreach (float value in values)
            {
                uint bits = BitConverter.SingleToUInt32Bits(value);
                uint halfway = bits + (ReferenceEquals(values, Halves) ? 0x1000u : 0x8000u);
                numbers.AddRange([bits - 1, bits, bits + 1, halfway - 1, halfway, halfway + 1]);
            }
        }

        // Halfway between subnormal halves.
        for (int i = 0; i < 2048; i++)
        {
            uint halfway = BitConverter.SingleToUInt32Bits((i + 0.5f) / (1 << 24));
            numbers.AddRange([halfway - 1, halfway, halfway + 1, halfway | 0x80000000u]);
        }

        var random = new Random(16);
        numbers.AddRange(Enumerable.Range(0, 300_000).Select(_ => (uint)random.NextInt64(1L << 32)));
        return [.. numbers];
    }

    private static void AssertWidened(float[] expected, float[] actual)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            bool same = BitConverter.SingleToUInt32Bits(actual[i]) == BitConverter.SingleToUInt32Bits(expected[i]);
            if (!same && !(float.IsNaN(actual[i]) && float.IsNaN(expected[i])))
            {
                Assert.Fail($"0x{i:X4} widens to {actual[i]:R} instead of {expected[i]:R}");
            }
        }
    }

    private static void AssertRounded(Func<float, ushort> expected, ushort[] actual)
    {
        bool half = expected == NarrowToHalf;
        for (int i = 0; i < actual.Length; i++)
        {
            float value = BitConverter.UInt32BitsToSingle(Numbers[i]);
            ushort wanted = expected(value);
            if (float.IsNaN(value) ? !float.IsNaN((half ? Halves : Brains)[actual[i]]) : actual[i] != wanted)
            {
                Assert.Fail($"{value:R} rounds to 0x{actual[i]:X4} instead of 0x{wanted:X4}");
            }
        }
    }

    private static float[] Widen(Action<ArrayView<ushort>, ArrayView<float>> kernel)
    {
        var result = new float[1 << 16];
        Run<ushort, float>(kernel, [.. Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits)], result);
        return result;
    }

    private static ushort[] Round(Action<ArrayView<uint>, ArrayView<ushort>> kernel)
    {
        var result = new ushort[Numbers.Length];
        Run<uint, ushort>(kernel, Numbers, result);
        return result;
    }

    private static void Run<TFrom, TTo>(Delegate kernel, TFrom[] from, TTo[] to)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        GpuDevice device = SharedDevice.Device;
        device.Accelerator.Bind();
        long fromBytes = (long)from.Length * sizeof(TFrom);
        long toBytes = (long)to.Length * sizeof(TTo);
        using var arena = new DeviceArena(device, DeviceArena.Rounded(fromBytes) + DeviceArena.Rounded(toBytes), "elements");
        ArrayView<TFrom> source = arena.Take<TFrom>(from.Length);
        ArrayView<TTo> target = arena.Take<TTo>(to.Length);
        var launch = new KernelLoader(device).Load<Action<AcceleratorStream, KernelConfig, ArrayView<TFrom>, ArrayView<TTo>>>(kernel);
        fixed (TFrom* data = from)
        {
            DeviceCopies.Upload(device.Stream, data, source.Cast<byte>());
            device.Stream.Synchronize();
        }

        launch(device.Stream, Launch.Groups(Launch.Blocks(from.Length)), source, target);
        fixed (TTo* data = to)
        {
            DeviceCopies.Download(device.Stream, target.Cast<byte>(), data);
            device.Stream.Synchronize();
        }
    }
}

/// <summary>Conversions of whole arrays.</summary>
internal static class ConversionKernels
{
    public static void Widen<TElement>(ArrayView<ushort> from, ArrayView<float> to)
        where TElement : struct, IStoredType<ushort>
    {
        int i = (Grid.IdxX * KernelLoader.GroupSize) + Group.IdxX;
        if (i < from.IntLength)
        {
            to[i] = TElement.Load(from[i]);
        }
    }

    /// <summary>Numbers come as their bits, so that no NaN changes on the way.</summary>
    public static void Round<TElement>(ArrayView<uint> from, ArrayView<ushort> to)
        where TElement : struct, IStoredType<ushort>
    {
        int i = (Grid.IdxX * KernelLoader.GroupSize) + Group.IdxX;
        if (i < from.IntLength)
        {
            to[i] = TElement.Store(Interop.IntAsFloat(from[i]));
        }
    }
}
