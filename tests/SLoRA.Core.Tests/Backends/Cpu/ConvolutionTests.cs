using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>Short convolutions, whose last inputs are a state of the sequence, and products of columns.</summary>
internal sealed class ConvolutionTests
{
    [SeededProperty(MaxTest = 40)]
    public void Convolutions_agree_with_the_Reference_in_any_chunks(int seed)
    {
        var random = new Random(seed);
        int channels = random.Next(1, 300), kernel = random.Next(2, 6), length = random.Next(1, 30);
        KvLayout layout = KvLayout.For([new KeptState(null, new StateShape(kernel - 1, channels))], TensorType.F32, 16);
        using var twin = new Twin(seed, length, threads: random.Next(1, 4));
        twin.AllocatePages(layout, 2 + (2 * layout.StatePages));
        ShortConvolution reference = Convolution(twin, twin.Reference, channels, kernel, seed),
            cpu = Convolution(twin, twin.Cpu, channels, kernel, seed);
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, channels + 5, 0), y = twin.Rows(RowSet.Step, channels, 0);
        float[][] inputs = [.. Enumerable.Range(0, length).Select(_ => twin.Numbers(channels + 5))];
        int[] whole = [.. Enumerable.Range(2, layout.StatePages)], parted = [.. whole.Select(page => page + layout.StatePages)];
        var expected = new List<float[]>();
        Run(0, length, whole, (row, values) =>
        {
            expected.Add(values);
            Assert.That(Twin.Read(y.Cpu, row), Is.EqualTo(values).Within(1e-5));
        });
        for (int first = 0; first < length;)
        {
            int count = Math.Min(random.Next(1, 5), length - first);
            Run(first, count, parted, (row, values) => Assert.That(values, Is.EqualTo(expected[first + row]), "the same bits in chunks"));
            first += count;
        }

        void Run(int first, int count, int[] pages, Action<int, float[]> check)
        {
            twin.Plan.Clear();
            twin.Plan.AddSlice(new int[count], first, [0, 1], 0, pages);
            for (int row = 0; row < count; row++)
            {
                Twin.Write(x.Reference, row, inputs[first + row]);
                Twin.Write(x.Cpu, row, inputs[first + row]);
            }

            twin.BeginStep();
            twin.Reference.Convolve(x.Reference, 3, reference, 0, y.Reference);
            twin.Cpu.Convolve(x.Cpu, 3, cpu, 0, y.Cpu);
            for (int row = 0; row < count; row++)
            {
                check(row, Twin.Read(y.Reference, row));
            }
        }
    }

    [Test]
    public void A_convolution_sees_zeros_before_the_first_row_and_the_newest_weight_last()
    {
        using var twin = new Twin(1, 3);
        twin.AllocatePages(KvLayout.For([new KeptState(null, new StateShape(2, 1))], TensorType.F32, 16), 2);
        DeviceVector weight = twin.Reference.LoadVector(twin.Weight(TensorType.F32, 1, 3, Numbers(1, 10, 100)));
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, 1, 0), y = twin.Rows(RowSet.Step, 1, 0);
        for (int row = 0; row < 3; row++)
        {
            Twin.Write(x.Reference, row, [row + 1]);
        }

        twin.Plan.AddSlice([0, 0, 0], 0, [0], 0, [1]);
        twin.BeginStep();
        twin.Reference.Convolve(x.Reference, 0, new ShortConvolution(weight, null, 1, 3), 0, y.Reference);
        Assert.That(Enumerable.Range(0, 3).Select(row => Twin.Read(y.Reference, row)[0]), Is.EqualTo((float[])[100, 210, 321]));
    }

    [SeededProperty(MaxTest = 30)]
    public void Products_of_columns_have_the_bits_of_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 20), columns = random.Next(1, 200);
        using var twin = new Twin(seed, rows, threads: random.Next(1, 4));
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, columns + 3, rows), y = twin.Rows(RowSet.Step, columns + 9, rows);
        twin.Plan.AddSlice(new int[rows], 0, [], 0);
        twin.BeginStep();
        twin.Reference.Multiply(y.Reference, 7, x.Reference, 2, columns);
        twin.Cpu.Multiply(y.Cpu, 7, x.Cpu, 2, columns);
        for (int row = 0; row < rows; row++)
        {
            Assert.That(Twin.Read(y.Cpu, row), Is.EqualTo(Twin.Read(y.Reference, row)));
        }
    }

    private static ShortConvolution Convolution(Twin twin, IBackend backend, int channels, int kernel, int seed)
    {
        var random = new Random(seed);
        float Number() => (float)(random.NextDouble() - 0.5);
        DeviceVector weight = backend.LoadVector(twin.Weight(TensorType.F32, 1, channels * kernel, Number));
        return new ShortConvolution(
            weight, seed % 2 == 0 ? backend.LoadVector(twin.Weight(TensorType.F32, 1, channels, Number)) : null, channels, kernel);
    }

    private static Func<float> Numbers(params float[] numbers)
    {
        int next = 0;
        return () => numbers[next++];
    }
}
