using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu;

[NonParallelizable]
[DeviceFixture]
public sealed class LoraTests
{
    [SeededProperty(MaxTest = 60)]
    public void Ragged_work_lists_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        // Beyond 64 rows an adapter may have more entries than a chunk holds.
        int rows = random.Next(1, random.Next(3) == 0 ? 200 : 50);
        using GpuTwin twin = SharedDevice.Twin(seed, rows, rows);
        var parts = new (TensorType, int, bool)[random.Next(1, 4)];
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = (twin.AnyType(), random.Next(1, 150), random.Next(2) == 0);
        }

        KernelChecks.Deltas(twin, rows, random.Next(3) == 0 ? RowSet.Output : RowSet.Step, random.Next(1, 150), parts);
    }

    [SeededProperty(MaxTest = 40)]
    public void Embedding_adapters_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 90);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        KernelChecks.Embeddings(twin, rows, twin.AnyType(), random.Next(1, 200), random.Next(1, 150));
    }

    [SeededProperty(MaxTest = 30)]
    public void Rows_of_the_base_keep_the_bits_of_the_base(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 70);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        Trio<LinearGroup> group = twin.Group(70, (TensorType.BF16, 50, true));
        LoraStep.Build(twin, rows, RowSet.Step, 1, (70, 50));
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, 70, rows);
        Trio<DeviceRows> y = twin.Rows(RowSet.Step, 50, 0);
        Trio<DeviceRows> plain = twin.Rows(RowSet.Step, 50, 0);
        twin.BeginStep();
        twin.Gpu.Linear(group.Gpu, x.Gpu, y.Gpu);
        var without = new StepPlan(rows, 0);
        without.AddSlice(new int[rows], 0, [0], 0);
        twin.BeginStep(without);
        twin.Gpu.Linear(group.Gpu, x.Gpu, plain.Gpu);
        for (int row = 0; row < rows; row++)
        {
            if (!LoraStep.HasWork(twin.Plan, row))
            {
                Assert.That(twin.Read(y.Gpu, row), Is.EqualTo(twin.Read(plain.Gpu, row)), $"row {row}");
            }
        }
    }

    [SeededProperty(MaxTest = 30)]
    public void A_row_has_the_same_bits_alone_and_in_a_mix(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(2, 90);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        Trio<LinearGroup> group = twin.Group(90, (twin.AnyType(), 70, false), (twin.AnyType(), 33, false));
        LoraStep.Build(twin, rows, RowSet.Step, 1, (90, 70), (90, 33));
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, 90, rows);
        Trio<DeviceRows> y = twin.Rows(RowSet.Step, 103, 0);
        twin.BeginStep();
        twin.Gpu.Linear(group.Gpu, x.Gpu, y.Gpu);
        int row = random.Next(rows);
        float[] mixed = twin.Read(y.Gpu, row);
        twin.Write(x.Gpu, 0, twin.Read(x.Gpu, row));
        twin.BeginStep(LoraStep.Alone(twin.Plan, row));
        twin.Gpu.Linear(group.Gpu, x.Gpu, y.Gpu);
        Assert.That(twin.Read(y.Gpu, 0), Is.EqualTo(mixed));
    }

    [SeededProperty(MaxTest = 20)]
    public void A_token_is_embedded_to_the_same_bits_alone_and_in_a_mix(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(2, 90);
        using GpuTwin twin = SharedDevice.Twin(seed, rows);
        Trio<DeviceTable> table = twin.Table(twin.AnyType(), 60, 45);
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, 45, 0);
        LoraStep.Build(twin, rows, RowSet.Step, 60, (60, 45));
        twin.BeginStep();
        twin.Gpu.Embed(table.Gpu, 0, x.Gpu);
        int row = random.Next(rows);
        float[] mixed = twin.Read(x.Gpu, row);
        twin.BeginStep(LoraStep.Alone(twin.Plan, row));
        twin.Gpu.Embed(table.Gpu, 0, x.Gpu);
        Assert.That(twin.Read(x.Gpu, 0), Is.EqualTo(mixed));
    }
}
