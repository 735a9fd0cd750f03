using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Cpu;

public sealed unsafe class ProductJobTests
{
    [SeededProperty(MaxTest = 150)]
    public void Products_have_the_bits_of_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 41);
        using var twin = new Twin(seed, rows, threads: random.Next(1, 5));
        int inputs = random.Next(1, 130);
        var parts = new (TensorType, int, bool)[random.Next(1, 4)];
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = (twin.AnyType(), random.Next(1, 300), random.Next(2) == 0);
        }

        (LinearGroup reference, LinearGroup cpu) = twin.Group(inputs, parts);
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, inputs, rows);
        (DeviceRows Reference, DeviceRows Cpu) y = twin.Rows(RowSet.Step, reference.Outputs, rows);
        twin.Plan.AddSlice(new int[rows], 0, [], 0);
        twin.BeginStep();
        twin.Reference.Linear(reference, x.Reference, y.Reference);
        twin.Cpu.Linear(cpu, x.Cpu, y.Cpu);
        for (int row = 0; row < rows; row++)
        {
            Assert.That(
                Twin.Read(y.Cpu, row), ScalarSum.ReferenceBits(Twin.Read(y.Reference, row)), $"row {row} of {rows}, {inputs} inputs");
        }
    }

    [SeededProperty(MaxTest = 60)]
    public void Products_have_the_bits_of_scalar_sums_in_order_and_then_the_bias(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 14);
        int inputs = random.Next(1, 200);
        int outputs = random.Next(1, 60);
        using var twin = new Twin(seed, rows);
        WeightSource weight = twin.Weight(TensorType.BF16, outputs, inputs);
        WeightSource bias = twin.Weight(TensorType.F32, 1, outputs);
        var group = new LinearGroup(new LinearPart(twin.Cpu.LoadMatrix(weight), twin.Cpu.LoadVector(bias), 0));
        (_, DeviceRows x) = twin.Rows(RowSet.Step, inputs, rows);
        DeviceRows y = twin.Cpu.CreateRows(RowSet.Step, outputs);
        twin.Plan.AddSlice(new int[rows], 0, [], 0);
        twin.Cpu.BeginStep(twin.Plan);
        twin.Cpu.Linear(group, x, y);
        for (int row = 0; row < rows; row++)
        {
            float[] numbers = Twin.Read(x, row);
            float[] expected = new float[outputs];
            for (int output = 0; output < outputs; output++)
            {
                for (int k = 0; k < inputs; k++)
                {
                    float w = Elements.Read(TensorType.BF16, (byte*)weight.Data, ((long)output * inputs) + k);
                    expected[output] = ScalarSum.Add(w, numbers[k], expected[output]);
                }

                expected[output] += Elements.Read(TensorType.F32, (byte*)bias.Data, output);
            }

            Assert.That(Twin.Read(y, row), Is.EqualTo(expected), $"row {row} of {rows}, {inputs} inputs");
        }
    }

    [SeededProperty(MaxTest = 30)]
    public void A_row_has_the_same_bits_alone_and_in_a_batch_on_any_number_of_threads(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(2, 30);
        int inputs = random.Next(1, 4000);
        TensorType type = Twin.Types[random.Next(3)];
        int outputs = random.Next(1, 100);
        float[][]? expected = null;
        for (int threads = 1; threads <= 4; threads++)
        {
            using var twin = new Twin(seed, rows, threads: threads);
            (_, LinearGroup group) = twin.Group(inputs, (type, outputs, true));
            (_, DeviceRows x) = twin.Rows(RowSet.Step, inputs, rows);
            DeviceRows y = twin.Cpu.CreateRows(RowSet.Step, outputs);
            twin.Plan.AddSlice(new int[rows], 0, [], 0);
            twin.Cpu.BeginStep(twin.Plan);
            twin.Cpu.Linear(group, x, y);
            float[][] batch = [.. Enumerable.Range(0, rows).Select(row => Twin.Read(y, row))];
            expected ??= batch;
            Assert.That(batch, Is.EqualTo(expected));

            int alone = random.Next(rows);
            Twin.Write(x, 0, Twin.Read(x, alone));
            twin.Plan.Clear();
            twin.Plan.AddSlice([0], 0, [], 0);
            twin.Cpu.BeginStep(twin.Plan);
            twin.Cpu.Linear(group, x, y);
            Assert.That(Twin.Read(y, 0), Is.EqualTo(expected[alone]));
        }
    }

    [Test]
    public void Every_vector_width_gives_the_same_bits(
        [Values] bool f32, [Values(1, 2, 3, 5, 8, 13)] int rows, [Values(1, 7, 64)] int inputs, [Values(5, 16, 100)] int outputs)
    {
        using var twin = new Twin(rows + inputs + outputs, rows);
        (_, LinearGroup group) = twin.Group(inputs, (f32 ? TensorType.F32 : TensorType.BF16, outputs, true));
        (_, DeviceRows x) = twin.Rows(RowSet.Step, inputs, rows);
        twin.Plan.AddSlice(new int[rows], 0, [], 0);
        twin.Cpu.BeginStep(twin.Plan);
        DeviceRows expected = twin.Cpu.CreateRows(RowSet.Step, outputs);
        twin.Cpu.Linear(group, x, expected);
        float* result = stackalloc float[PanelBlock.ResultFloats];
        for (int width = 128; width <= (ScalarSum.IsFused ? 512 : 128); width *= 2)
        {
            DeviceRows y = twin.Cpu.CreateRows(RowSet.Step, outputs);
            var matrix = (CpuMatrix)group.Parts[0].Weight;
            var block = new PanelBlock
            {
                Matrix = matrix,
                FirstPanel = 0,
                EndPanel = matrix.Panels,
                X = (CpuRows)x,
                Y = (CpuRows)y,
                FirstColumn = 0,
                Bias = group.Parts[0].Bias is CpuVector bias ? bias.Data : null,
                Rows = rows,
                Result = result,
                Borders = [0, matrix.Inputs],
            };
            if (f32)
            {
                Multiply<F32Panel>(width, block);
            }
            else
            {
                Multiply<Bf16Panel>(width, block);
            }

            for (int row = 0; row < rows; row++)
            {
                Assert.That(Twin.Read(y, row), Is.EqualTo(Twin.Read(expected, row)), $"{width} bits");
            }
        }
    }

    [Test]
    public void Half_precision_keeps_subnormals_and_what_is_not_finite(
        [Values] bool special, [Values(127.9375f, 65504)] float largest, [Values(3, 40)] int rows)
    {
        using var twin = new Twin(1, rows);
        float[] values = [6e-8f, -6e-8f, 3.1e-5f, -6.0e-5f, largest, -largest, 0, -0f, 1];
        float[] specials = [float.PositiveInfinity, float.NegativeInfinity, float.NaN];
        int next = 0;
        WeightSource weight = twin.Weight(
            TensorType.F16, 40, 33, () => special && next % 50 == 7 ? specials[next++ % 3] : values[next++ % values.Length]);
        var reference = new LinearGroup(new LinearPart(twin.Reference.LoadMatrix(weight), null, 0));
        var cpu = new LinearGroup(new LinearPart(twin.Cpu.LoadMatrix(weight), null, 0));
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, 33, rows);
        (DeviceRows Reference, DeviceRows Cpu) y = twin.Rows(RowSet.Step, 40, rows);
        twin.Plan.AddSlice(new int[rows], 0, [], 0);
        twin.BeginStep();
        twin.Reference.Linear(reference, x.Reference, y.Reference);
        twin.Cpu.Linear(cpu, x.Cpu, y.Cpu);
        for (int row = 0; row < rows; row++)
        {
            Assert.That(Twin.Read(y.Cpu, row), ScalarSum.ReferenceBits(Twin.Read(y.Reference, row)));
        }
    }

    [Test]
    public void Infinite_activations_of_one_row_stay_in_that_row()
    {
        using var twin = new Twin(2, 9);
        (LinearGroup reference, LinearGroup cpu) = twin.Group(31, (TensorType.BF16, 20, false), (TensorType.F32, 33, true));
        (DeviceRows Reference, DeviceRows Cpu) x = twin.Rows(RowSet.Step, 31, 9);
        (DeviceRows Reference, DeviceRows Cpu) y = twin.Rows(RowSet.Step, 53, 9);
        float[] row = Twin.Read(x.Cpu, 4);
        row[3] = float.PositiveInfinity;
        Twin.Write(x.Reference, 4, row);
        Twin.Write(x.Cpu, 4, row);
        twin.Plan.AddSlice(new int[9], 0, [], 0);
        twin.BeginStep();
        twin.Reference.Linear(reference, x.Reference, y.Reference);
        twin.Cpu.Linear(cpu, x.Cpu, y.Cpu);
        for (int i = 0; i < 9; i++)
        {
            Assert.That(Twin.Read(y.Cpu, i), ScalarSum.ReferenceBits(Twin.Read(y.Reference, i)));
        }
    }

    [Test]
    public void A_unit_says_which_panels_its_thread_takes_next(
        [Values(1, 2, 3)] int workers, [Values(1, 9, 40)] int rows, [Values] bool few)
    {
        var packing = new RecordedPacking { PanelSize = few ? 1 << 10 : 200 << 10 };
        using var scratch = new AlignedMemory(ProductJob.BytesFor(workers));
        using var spaces = new UnpackSpaces(workers);
        using var quantized = new QuantizedInputs(rows, isNarrow: false);
        using var twin = new Twin(1, rows);
        var job = new ProductJob(workers, scratch, null, spaces);

        // No weight is read: matrices lie at addresses of their own, which tell one panel from all others.
        LinearPart[] parts =
        [
            .. new[] { 1000, 16, 1700 }.Select((outputs, i) => new LinearPart(
                new CpuMatrix(outputs, 8, packing, (byte*)((i + 1L) << 40)), null, i)),
        ];
        var group = new LinearGroup([.. parts]);
        quantized.Prepare(group);
        var x = (CpuRows)twin.Cpu.CreateRows(RowSet.Step, group.Inputs);
        var y = (CpuRows)twin.Cpu.CreateRows(RowSet.Step, group.Outputs);
        int count = job.Prepare(group, x, quantized, y, rows, null);
        var units = new (nint First, nint Next)[count][];
        for (int part = 0; part < count; part++)
        {
            packing.Units.Clear();
            job.Execute(part, part % workers);
            units[part] = [.. packing.Units];
        }

        Assert.That(units.Sum(static part => part.Length), Is.GreaterThan(workers * 3), "so that there is a next one");
        for (int part = 0; part < count; part++)
        {
            for (int unit = 0; unit < units[part].Length; unit++)
            {
                // Parts are taken from the last to the first, one by each thread.
                nint expected = unit + 1 < units[part].Length ? units[part][unit + 1].First
                    : part >= workers ? units[part - workers][0].First
                    : 0;
                Assert.That(units[part][unit].Next, Is.EqualTo(expected), $"unit {unit} of part {part} of {count}");
            }
        }
    }

    private static void Multiply<T>(int width, in PanelBlock block)
        where T : struct, IPanelWeights
    {
        switch (width)
        {
            case 512:
                PanelProduct512.Multiply<T>(block);
                break;
            case 256:
                PanelProduct256.Multiply<T>(block);
                break;
            default:
                PanelProduct128.Multiply<T>(block);
                break;
        }
    }

    /// <summary>Panels that only say when they are multiplied.</summary>
    private sealed class RecordedPacking : PanelPacking
    {
        public List<(nint First, nint Next)> Units { get; } = [];

        public required long PanelSize { get; init; }

        public override int GroupInputs => 0;

        public override bool AsksAhead => true;

        public override long PanelBytes(int inputs) => PanelSize;

        public override void Multiply(in PanelBlock block) =>
            Units.Add(((nint)block.Matrix.Panel(block.FirstPanel), (nint)block.Next));
    }
}
