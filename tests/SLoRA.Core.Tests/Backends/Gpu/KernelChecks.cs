using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>
/// One operation on both backends, with the twin's random content; shared by the tests on devices and those in ILGPU's simulation.
/// </summary>
internal static class KernelChecks
{
    /// <summary>Products of x and W and biases. Errors: K products and sums, the bias.</summary>
    public static void Products(GpuTwin twin, int rows, int inputs, params ReadOnlySpan<(TensorType Type, int Outputs, bool Bias)> parts)
    {
        Products(twin, rows, twin.Group(inputs, parts));
    }

    /// <summary>The same with weights that are made already.</summary>
    public static void Products(GpuTwin twin, int rows, Trio<LinearGroup> group)
    {
        int inputs = group.Gpu.Inputs;
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, inputs, rows);
        Trio<DeviceRows> y = twin.Rows(RowSet.Step, group.Gpu.Outputs, rows);
        twin.Plan.AddSlice(new int[rows], 0, [0], 0);
        twin.BeginStep();
        Linear(twin, group, x, y);
        AssertClose(twin, y, rows, inputs + 1);
    }

    /// <summary>
    /// Base products and the deltas of a work list. Errors: those of the products, K and r of each delta, four of scale, weight and adding
    /// up to three.
    /// </summary>
    public static void Deltas(GpuTwin twin, int rows, RowSet set, int inputs, params (TensorType Type, int Outputs, bool Bias)[] parts) =>
        Deltas(twin, rows, set, inputs, parts, places: 3);

    /// <summary>The same with at most so many adapters of a row.</summary>
    public static void Deltas(
        GpuTwin twin, int rows, RowSet set, int inputs, (TensorType Type, int Outputs, bool Bias)[] parts, int places)
    {
        Trio<LinearGroup> group = twin.Group(inputs, parts);
        int count = LoraStep.Build(twin, rows, set, 1, [.. parts.Select(part => (inputs, part.Outputs))], places);
        Trio<DeviceRows> x = twin.Rows(set, inputs, count);
        Trio<DeviceRows> y = twin.Rows(set, group.Gpu.Outputs, count);
        twin.BeginStep();
        Linear(twin, group, x, y);
        AssertClose(twin, y, count, inputs + 128 + 6);
    }

    /// <summary>Embeddings and their deltas. Errors: r of each delta, and as above.</summary>
    public static void Embeddings(GpuTwin twin, int rows, TensorType type, int entries, int width) =>
        Embeddings(twin, rows, WeightFormat.Of(type)!, entries, width);

    /// <summary>The same with a table of any format.</summary>
    public static void Embeddings(GpuTwin twin, int rows, WeightFormat format, int entries, int width)
    {
        Trio<DeviceTable> table = twin.Table(format, entries, width);
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, width, rows);
        LoraStep.Build(twin, rows, RowSet.Step, entries, (entries, width));
        twin.BeginStep();
        twin.Reference.Embed(table.Reference, 0, x.Reference);
        twin.Magnitudes.Embed(table.Magnitudes, 0, x.Magnitudes);
        twin.Gpu.Embed(table.Gpu, 0, x.Gpu);
        AssertClose(twin, x, rows, 128 + 6);
    }

    /// <summary>Norms of rows and of heads within rows.</summary>
    public static void Norms(GpuTwin twin, int rows, int width, int heads, int headDim)
    {
        const float Epsilon = 1e-5f;
        Trio<DeviceVector> weight = twin.Vector(twin.AnyType(), width);
        Trio<DeviceVector> headWeight = twin.Vector(twin.AnyType(), headDim);
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, width, rows, 0.5f + twin.Random.Next(20));
        Trio<DeviceRows> y = twin.Rows(RowSet.Step, width, rows);
        Trio<DeviceRows> z = twin.Rows(RowSet.Step, 5 + (heads * headDim) + 3, rows);
        Trio<DeviceRows> sum = twin.Rows(RowSet.Step, width, rows);
        Trio<DeviceRows> normed = twin.Rows(RowSet.Step, width, rows);
        twin.Plan.AddSlice(new int[rows], 0, [0], 0);
        twin.BeginStep();
        ((IBackend)twin.Reference).AddNorm(sum.Reference, x.Reference, weight.Reference, Epsilon, normed.Reference);
        twin.Gpu.AddNorm(sum.Gpu, x.Gpu, weight.Gpu, Epsilon, normed.Gpu);
        twin.Reference.Norm(x.Reference, weight.Reference, Epsilon, y.Reference);
        twin.Gpu.Norm(x.Gpu, weight.Gpu, Epsilon, y.Gpu);
        twin.Reference.NormHeads(z.Reference, 5, heads, headWeight.Reference, Epsilon);
        twin.Gpu.NormHeads(z.Gpu, 5, heads, headWeight.Gpu, Epsilon);
        for (int row = 0; row < rows; row++)
        {
            // Half the error of the sum of squares comes through the root; mean, ε, root, inverse and two products add one each.
            AssertRelative(twin, y, row, Rounding.Gamma((width / 2) + 7));
            AssertRelative(twin, z, row, Rounding.Gamma((headDim / 2) + 7));
            AssertRelative(twin, sum, row, 0);
            AssertRelative(twin, normed, row, Rounding.Gamma((width / 2) + 7));
        }
    }

    /// <summary>Gates.</summary>
    public static void Gates(GpuTwin twin, int rows, int width, float size)
    {
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, 2 * width, rows, size);
        Trio<DeviceRows> y = twin.Rows(RowSet.Step, width, rows);
        twin.Plan.AddSlice(new int[rows], 0, [0], 0);
        twin.BeginStep();
        twin.Reference.Gate(Activation.Silu, x.Reference, y.Reference);
        twin.Gpu.Gate(Activation.Silu, x.Gpu, y.Gpu);
        for (int row = 0; row < rows; row++)
        {
            AssertRelative(twin, y, row, Rounding.Exponential(size) + Rounding.Gamma(3));
        }
    }

    /// <summary>Sums, gathers and look-ups of the base: no rounding that could differ.</summary>
    public static void Moves(GpuTwin twin, int rows, int width)
    {
        Trio<DeviceTable> table = twin.Table(twin.AnyType(), 50, width);
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, width, rows);
        Trio<DeviceRows> y = twin.Rows(RowSet.Step, width, rows);
        Trio<DeviceRows> outputs = twin.Rows(RowSet.Output, width, rows);
        for (int row = 0; row < rows; row++)
        {
            twin.Plan.AddSlice([twin.Random.Next(50)], 0, [0], twin.Random.Next(2));
        }

        twin.BeginStep();
        twin.Reference.Embed(table.Reference, 0, x.Reference);
        twin.Gpu.Embed(table.Gpu, 0, x.Gpu);
        twin.Reference.Add(x.Reference, y.Reference);
        twin.Gpu.Add(x.Gpu, y.Gpu);
        for (int row = 0; row < rows; row++)
        {
            Assert.That(twin.Read(x.Gpu, row), Is.EqualTo(twin.Read(x.Reference, row)), $"row {row}");
        }

        if (twin.Plan.OutputCount > 0)
        {
            twin.Reference.GatherOutputs(x.Reference, outputs.Reference);
            twin.Gpu.GatherOutputs(x.Gpu, outputs.Gpu);
        }

        for (int output = 0; output < twin.Plan.OutputCount; output++)
        {
            Assert.That(twin.Read(outputs.Gpu, output), Is.EqualTo(twin.Read(outputs.Reference, output)), $"output row {output}");
        }
    }

    private static void Linear(GpuTwin twin, Trio<LinearGroup> group, Trio<DeviceRows> x, Trio<DeviceRows> y)
    {
        twin.Reference.Linear(group.Reference, x.Reference, y.Reference);
        twin.Magnitudes.Linear(group.Magnitudes, x.Magnitudes, y.Magnitudes);
        twin.Gpu.Linear(group.Gpu, x.Gpu, y.Gpu);
    }

    private static void AssertClose(GpuTwin twin, Trio<DeviceRows> rows, int count, int operations)
    {
        for (int row = 0; row < count; row++)
        {
            twin.AssertClose(rows, row, operations);
        }
    }

    private static void AssertRelative(GpuTwin twin, Trio<DeviceRows> rows, int row, double relative)
    {
        float[] expected = twin.Read(rows.Reference, row);
        float[] actual = twin.Read(rows.Gpu, row);
        for (int i = 0; i < expected.Length; i++)
        {
            // Both sides round.
            Assert.That((double)actual[i], Is.EqualTo(expected[i])
                .Within((2 * relative * Math.Abs(expected[i])) + 1e-30), $"row {row}, column {i}");
        }
    }
}
