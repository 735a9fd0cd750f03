using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>Products on tensor cores, emulated or interpreted.</summary>
internal static class TensorProductChecks
{
    /// <summary>Rows get the same bits among many, which one kernel multiplies, and among few, which another does.</summary>
    public static void SameBits(GpuTwin twin, WeightFormat format, int inputs, int outputs, int many, int few, int first)
    {
        Trio<LinearGroup> group = twin.Group(inputs, (format, outputs, true));
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, inputs, many);
        Trio<DeviceRows> y = twin.Rows(RowSet.Step, outputs, 0);
        float[][] expected = Compute(many);
        for (int row = 0; row < few; row++)
        {
            twin.Write(x.Gpu, row, twin.Read(x.Gpu, first + row));
        }

        Assert.That(Compute(few), Is.EqualTo(expected[first..(first + few)]));

        float[][] Compute(int count)
        {
            twin.Plan.Clear();
            twin.Plan.AddSlice(new int[count], 0, [0], 0);
            twin.BeginStep();
            twin.Gpu.Linear(group.Gpu, x.Gpu, y.Gpu);
            return [.. Enumerable.Range(0, count).Select(row => twin.Read(y.Gpu, row))];
        }
    }
}
