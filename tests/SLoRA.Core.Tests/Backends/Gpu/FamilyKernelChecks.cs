using System.Collections.Immutable;
using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>The operations that only some families have, on both backends; as <see cref="KernelChecks"/>.</summary>
internal static class FamilyKernelChecks
{
    /// <summary>Layer norms with and without bias, in place.</summary>
    public static void LayerNorms(GpuTwin twin, int rows, int width)
    {
        const float Epsilon = 1e-5f;
        Trio<DeviceVector> weight = twin.Vector(twin.AnyType(), width), bias = twin.Vector(twin.AnyType(), width);
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, width, rows), y = twin.Rows(RowSet.Step, width, rows);
        twin.Plan.AddSlice(new int[rows], 0, [0], 0);
        twin.BeginStep();
        twin.Reference.LayerNorm(x.Reference, weight.Reference, null, Epsilon, x.Reference);
        twin.Gpu.LayerNorm(x.Gpu, weight.Gpu, null, Epsilon, x.Gpu);
        twin.Reference.LayerNorm(y.Reference, weight.Reference, bias.Reference, Epsilon, y.Reference);
        twin.Gpu.LayerNorm(y.Gpu, weight.Gpu, bias.Gpu, Epsilon, y.Gpu);
        AssertClose(twin, x, rows, 2e-5);
        AssertClose(twin, y, rows, 2e-5);
    }

    /// <summary>Every function, over some columns, and both gates of GELU.</summary>
    public static void Functions(GpuTwin twin, int rows, int width, float size)
    {
        Trio<DeviceRows>[] x = [.. FamilyOperations.Functions.Select(_ => twin.Rows(RowSet.Step, width + 3, rows, size))];
        Trio<DeviceRows> gates = twin.Rows(RowSet.Step, 2 * width, rows, size);
        Trio<DeviceRows> exact = twin.Rows(RowSet.Step, width, rows), tanh = twin.Rows(RowSet.Step, width, rows);
        twin.Plan.AddSlice(new int[rows], 0, [0], 0);
        twin.BeginStep();
        for (int i = 0; i < x.Length; i++)
        {
            twin.Reference.Apply(FamilyOperations.Functions[i], x[i].Reference, 2, width);
            twin.Gpu.Apply(FamilyOperations.Functions[i], x[i].Gpu, 2, width);
            AssertClose(twin, x[i], rows, 1e-6 * Math.Max(1, size * size));
        }

        twin.Reference.Gate(Activation.Gelu, gates.Reference, exact.Reference);
        twin.Gpu.Gate(Activation.Gelu, gates.Gpu, exact.Gpu);
        twin.Reference.Gate(Activation.GeluTanh, gates.Reference, tanh.Reference);
        twin.Gpu.Gate(Activation.GeluTanh, gates.Gpu, tanh.Gpu);
        AssertClose(twin, exact, rows, 1e-6 * Math.Max(1, size * size));
        AssertClose(twin, tanh, rows, 1e-6 * Math.Max(1, size * size));
    }

    /// <summary>The gates of experts: limited ones, and the sum of a shared expert's row by its gate.</summary>
    public static void GatesOfExperts(GpuTwin twin, int rows, int width)
    {
        const float Limit = 1.5f;
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, 2 * width, rows, 2 * Limit);
        Trio<DeviceRows> y = twin.Rows(RowSet.Step, width, rows);
        Trio<DeviceRows> sum = twin.Rows(RowSet.Step, width, rows), gate = twin.Rows(RowSet.Step, 1, rows, 3);
        var clamped = new ClampedGate(Limit, 1.7f);
        _ = (twin.Reference.CreateRoutes(4, 2), twin.Gpu.CreateRoutes(4, 2));
        twin.Plan.AddSlice(new int[rows], 0, [0], 0);
        twin.BeginStep();
        twin.Reference.GateClamped(clamped, x.Reference, y.Reference);
        twin.Gpu.GateClamped(clamped, x.Gpu, y.Gpu);
        twin.Reference.AddGated(sum.Reference, gate.Reference, y.Reference);
        twin.Gpu.AddGated(sum.Gpu, gate.Gpu, y.Gpu);
        AssertClose(twin, y, rows, 2e-6);
        AssertClose(twin, sum, rows, 2e-6);
    }

    /// <summary>A rotation in place, and factors of positions.</summary>
    public static void Rotations(GpuTwin twin, int rows, RopeDescription rope, int heads, int dim)
    {
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, 3 + (heads * dim), rows);
        DeviceRope reference = twin.Reference.CreateRope(rope), gpu = twin.Gpu.CreateRope(rope);
        twin.AllocatePages(TensorType.F32, 16, 8, Layouts.Attention(1, 1, 2));
        twin.Plan.AddSlice(new int[rows], twin.Random.Next(50), [0, 1, 2, 3, 4], 0, knownLength: twin.Random.Next(100));
        twin.BeginStep();
        var scale = new PositionScale(0.3f, 7, 1);
        twin.Reference.Rotate(x.Reference, 3, heads, dim, reference);
        twin.Gpu.Rotate(x.Gpu, 3, heads, dim, gpu);
        twin.Reference.ScaleByPosition(scale, x.Reference, 2 + dim);
        twin.Gpu.ScaleByPosition(scale, x.Gpu, 2 + dim);
        AssertClose(twin, x, rows, 5e-6);
    }

    /// <summary>A convolution over two slices of two sequences, and products of columns.</summary>
    public static void Convolutions(GpuTwin twin, int channels, int kernel, int rows)
    {
        Trio<DeviceVector> weight = twin.Vector(TensorType.F32, channels * kernel), bias = twin.Vector(TensorType.F32, channels);
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, channels + 3, rows + 1), y = twin.Rows(RowSet.Step, channels, 0);
        KvLayout layout = KvLayout.For(
            [new KeptState(new KeyValueShape(1, 2), new StateShape(kernel - 1, channels))], TensorType.F32, 16);
        twin.AllocatePages(layout, 4 + (2 * layout.StatePages));
        int[] states = [.. Enumerable.Range(4, 2 * layout.StatePages)];
        for (int step = 0; step < 3; step++)
        {
            // Whatever the pages hold, in a first step; what that has left there, in the next ones.
            twin.Plan.Clear();
            twin.Plan.AddSlice(new int[rows], rows * step, [0, 1], 0, states.AsSpan(0, layout.StatePages));
            twin.Plan.AddSlice(new int[1], step, [2, 3], 0, states.AsSpan(layout.StatePages));
            if (step == 0)
            {
                foreach (int page in states)
                {
                    twin.Reference.Pages.Clear(page);
                    twin.Gpu.Pages.Clear(page);
                }
            }

            twin.BeginStep();
            DeviceVector? ofReference = step == 1 ? null : bias.Reference, ofGpu = step == 1 ? null : bias.Gpu;
            twin.Reference.Convolve(
                x.Reference, 2, new ShortConvolution(weight.Reference, ofReference, channels, kernel), 0, y.Reference);
            twin.Gpu.Convolve(x.Gpu, 2, new ShortConvolution(weight.Gpu, ofGpu, channels, kernel), 0, y.Gpu);
            twin.Reference.Multiply(y.Reference, 0, x.Reference, 1, channels);
            twin.Gpu.Multiply(y.Gpu, 0, x.Gpu, 1, channels);
            AssertClose(twin, y, rows + 1, 5e-6);
        }
    }

    /// <summary>
    /// A recurrence over two slices of two sequences, norms beside gates of what it gives, and columns that change places.
    /// </summary>
    public static void Recurrences(GpuTwin twin, Recurrence shape, int rows, bool gatesFirst)
    {
        (_, WeightSource positive) = twin.Weight(WeightFormat.F32, 1, shape.Heads);
        DeviceVector rateOfReference = twin.Reference.LoadVector(positive), rateOfGpu = twin.Gpu.LoadVector(positive);
        Trio<DeviceVector> bias = twin.Vector(TensorType.F32, shape.Heads), skip = twin.Vector(TensorType.F32, shape.Heads),
            weight = twin.Vector(TensorType.F32, gatesFirst ? shape.Width : shape.ValueColumns);
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, shape.FirstValue + shape.Width, rows + 1),
            steps = twin.Rows(RowSet.Step, shape.FirstStep + shape.Heads, rows + 1),
            y = twin.Rows(RowSet.Step, shape.Width, 0), moved = twin.Rows(RowSet.Step, shape.Width, rows + 1);
        KvLayout layout = KvLayout.For([new KeptState(new KeyValueShape(1, 2), shape.State)], TensorType.F32, 16);
        twin.AllocateRecurrences(layout, 4 + (2 * layout.StatePages));
        int[] states = [.. Enumerable.Range(4, 2 * layout.StatePages)];
        var runs = ImmutableArray.Create(
            new ColumnRun(0, shape.ValueColumns, shape.ValueColumns - 1, shape.ValueColumns, 1, shape.Heads));
        for (int step = 0; step < 3; step++)
        {
            twin.Plan.Clear();
            twin.Plan.AddSlice(new int[rows], rows * step, [0, 1], 0, states.AsSpan(0, layout.StatePages));
            twin.Plan.AddSlice(new int[1], step, [2, 3], 0, states.AsSpan(layout.StatePages));
            if (step == 0)
            {
                foreach (int page in states)
                {
                    twin.Reference.Pages.Clear(page);
                    twin.Gpu.Pages.Clear(page);
                }
            }

            twin.BeginStep();
            bool skips = step != 1;
            twin.Reference.Recur(
                x.Reference, steps.Reference,
                new LoadedRecurrence(shape, rateOfReference, bias.Reference, skips ? skip.Reference : null), 0, y.Reference);
            twin.Gpu.Recur(
                x.Gpu, steps.Gpu, new LoadedRecurrence(shape, rateOfGpu, bias.Gpu, skips ? skip.Gpu : null), 0, y.Gpu);
            AssertClose(twin, y, rows + 1, 5e-5);
            twin.Reference.Regroup(y.Reference, runs, moved.Reference);
            twin.Gpu.Regroup(y.Gpu, runs, moved.Gpu);
            AssertClose(twin, moved, rows + 1, 5e-5);

            // An epsilon of the size of what is normed: otherwise the error of a small row would be that of a large one.
            twin.Reference.NormGated(y.Reference, shape.Heads, weight.Reference, 1, x.Reference, 0, gatesFirst);
            twin.Gpu.NormGated(y.Gpu, shape.Heads, weight.Gpu, 1, x.Gpu, 0, gatesFirst);
            AssertClose(twin, y, rows + 1, 1e-4);
        }
    }

    private static void AssertClose(GpuTwin twin, Trio<DeviceRows> rows, int count, double bound)
    {
        for (int row = 0; row < count; row++)
        {
            float[] expected = twin.Read(rows.Reference, row), actual = twin.Read(rows.Gpu, row);
            for (int i = 0; i < expected.Length; i++)
            {
                double allowed = bound * (1 + Math.Abs(expected[i]));
                Assert.That((double)actual[i], Is.EqualTo(expected[i]).Within(allowed), $"row {row}, column {i}");
            }
        }
    }
}
