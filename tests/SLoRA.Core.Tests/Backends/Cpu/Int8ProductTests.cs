using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Cpu;

public sealed unsafe class Int8ProductTests
{
    [SeededProperty(MaxTest = 100)]
    public void Products_with_int8_weights_have_the_bits_of_their_formula(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 27);
        int inputs = random.Next(2) == 0 ? random.Next(1, 300) : 32 * random.Next(1, 10);
        using var twin = new Twin(seed, rows, threads: random.Next(1, 5));
        bool isNarrow = random.Next(2) == 0;
        using var backend = new CpuBackend(rows, 0, random.Next(1, 5), CpuWeights.Int8, precision: Precision(isNarrow));
        var weights = new WeightSource[random.Next(1, 4)];
        var biases = new float[weights.Length][];
        var parts = new LinearPart[weights.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            int outputs = random.Next(1, 150);
            weights[i] = inputs % 32 == 0 && random.Next(2) == 0
                ? twin.Weight(WeightFormat.Q8_0, outputs, inputs)
                : twin.Weight(twin.AnyType(), outputs, inputs);
            WeightSource bias = twin.Weight(TensorType.F32, 1, outputs);
            bool hasBias = random.Next(2) == 0;
            biases[i] = hasBias ? QuantizedProduct.Row(bias, 0) : null!;
            parts[i] = new LinearPart(backend.LoadMatrix(weights[i]), hasBias ? backend.LoadVector(bias) : null, i);
        }

        float[][] x = [.. Enumerable.Range(0, rows).Select(_ => twin.Numbers(inputs))];
        float[][] y = Multiply(backend, twin, new LinearGroup([.. parts]), x);
        for (int row = 0; row < rows; row++)
        {
            float[] expected = [.. weights.SelectMany((weight, i) => QuantizedProduct.Multiply(weight, biases[i], x[row], isNarrow))];
            Assert.That(y[row], Is.EqualTo(expected), $"row {row} of {rows}, {inputs} inputs");
        }
    }

    [SeededProperty(MaxTest = 25)]
    public void A_row_has_the_same_bits_alone_and_in_a_batch_on_any_number_of_threads(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(2, 30);
        int inputs = random.Next(1, 3000);
        using var twin = new Twin(seed, rows);
        WeightSource weight = twin.Weight(twin.AnyType(), random.Next(1, 100), inputs);
        float[][] x = [.. Enumerable.Range(0, rows).Select(_ => twin.Numbers(inputs))];
        float[][]? expected = null;
        for (int threads = 1; threads <= 4; threads++)
        {
            using var backend = new CpuBackend(rows, 0, threads, CpuWeights.Int8, precision: Precision(seed % 2 == 0));
            var group = new LinearGroup(new LinearPart(backend.LoadMatrix(weight), null, 0));
            float[][] batch = Multiply(backend, twin, group, x);
            expected ??= batch;
            Assert.That(batch, Is.EqualTo(expected));
            int alone = random.Next(rows);
            Assert.That(Multiply(backend, twin, group, [x[alone]])[0], Is.EqualTo(expected[alone]));
        }
    }

    [Test]
    public void Every_vector_width_gives_the_same_bits(
        [Values] bool blocks, [Values] bool isNarrow, [Values(1, 2, 3, 5, 8, 13)] int rows, [Values(7, 64, 200)] int inputs,
        [Values(5, 16, 100)] int outputs)
    {
        // Blocks of 32: 32, 64 and 192 inputs.
        inputs = blocks ? Math.Max(32, inputs & ~31) : inputs;
        using var twin = new Twin(rows + inputs + outputs, rows);
        using var backend = new CpuBackend(rows, 0, 1, CpuWeights.Int8, precision: Precision(isNarrow));
        WeightSource weight = twin.Weight(blocks ? WeightFormat.Q8_0 : WeightFormat.BF16, outputs, inputs);
        var group = new LinearGroup(new LinearPart(backend.LoadMatrix(weight), null, 0));
        float[][] values = [.. Enumerable.Range(0, rows).Select(_ => twin.Numbers(inputs))];
        float[][] expected = Multiply(backend, twin, group, values);
        DeviceRows x = backend.CreateRows(RowSet.Step, inputs);
        using var quantized = new QuantizedInputs(rows, isNarrow);
        quantized.Prepare(group);
        var quantize = new QuantizeJob(1);
        for (int row = 0; row < rows; row++)
        {
            Twin.Write(x, row, values[row]);
        }

        int parts = quantize.Prepare((CpuRows)x, quantized, rows);
        for (int part = 0; part < parts; part++)
        {
            quantize.Execute(part, 0);
        }

        float* result = stackalloc float[PanelBlock.ResultFloats];
        var matrix = (CpuMatrix)group.Parts[0].Weight;
        using var spaces = new UnpackSpaces(1);
        spaces.Reserve(matrix.Packing.UnpackedBytes(inputs));
        foreach (int way in IntegerProducts.Ways(isNarrow))
        {
            DeviceRows y = backend.CreateRows(RowSet.Step, outputs);
            var block = new PanelBlock
            {
                Matrix = matrix,
                FirstPanel = 0,
                EndPanel = matrix.Panels,
                X = (CpuRows)x,
                Quantized = quantized.For(matrix.Packing),
                Y = (CpuRows)y,
                FirstColumn = 0,
                Bias = null,
                Rows = rows,
                Result = result,
                Space = spaces.Of(0),
                Borders = [0, matrix.Inputs],
            };
            if (blocks)
            {
                IntegerProducts.Multiply<Groups32>(way, block);
            }
            else
            {
                IntegerProducts.Multiply<Groups64>(way, block);
            }

            for (int row = 0; row < rows; row++)
            {
                Assert.That(Twin.Read(y, row), Is.EqualTo(expected[row]), $"way {way}");
            }
        }
    }

    [Test]
    public void The_largest_integers_of_a_whole_group_do_not_overflow()
    {
        using var twin = new Twin(1, 1);
        using var backend = new CpuBackend(1, 0, 1, CpuWeights.Int8);
        WeightSource weight = twin.Weight(TensorType.F32, 20, 128, () => 127);
        var group = new LinearGroup(new LinearPart(backend.LoadMatrix(weight), null, 0));
        float[] y = Multiply(backend, twin, group, [[.. Enumerable.Repeat(-32767f, 128)]])[0];
        Assert.That(y, Is.All.EqualTo(-32767f * 127 * 128));
    }

    [Test]
    public void What_is_not_finite_stays_in_its_row_and_in_its_output()
    {
        using var twin = new Twin(2, 9);
        using var backend = new CpuBackend(9, 0, 2, CpuWeights.Int8);
        int next = 0;
        WeightSource weight = twin.Weight(TensorType.F32, 40, 70, () => next++ == (3 * 70) + 5 ? float.PositiveInfinity : twin.Number());
        var group = new LinearGroup(new LinearPart(backend.LoadMatrix(weight), null, 0));
        float[][] x = [.. Enumerable.Range(0, 9).Select(_ => twin.Numbers(70))];
        x[4][69] = float.NaN;
        float[][] y = Multiply(backend, twin, group, x);
        for (int row = 0; row < 9; row++)
        {
            for (int output = 0; output < 40; output++)
            {
                Assert.That(float.IsNaN(y[row][output]), Is.EqualTo(row == 4 || output == 3), $"{row}, {output}");
            }
        }
    }

    [Test]
    public void A_product_is_within_the_rounding_of_its_weights()
    {
        using var twin = new Twin(3, 4);
        using var backend = new CpuBackend(4, 0, 1, CpuWeights.Int8);
        WeightSource weight = twin.Weight(TensorType.F32, 48, 256);
        var group = new LinearGroup(new LinearPart(backend.LoadMatrix(weight), null, 0));
        float[][] x = [.. Enumerable.Range(0, 4).Select(_ => twin.Numbers(256))];
        float[][] y = Multiply(backend, twin, group, x);
        for (int row = 0; row < 4; row++)
        {
            for (int output = 0; output < 48; output++)
            {
                float[] w = QuantizedProduct.Row(weight, output);
                double expected = 0;
                double bound = 0;
                for (int i = 0; i < 256; i++)
                {
                    expected += (double)w[i] * x[row][i];
                    bound += (Math.Abs(x[row][i]) / 254) + (Math.Abs(w[i]) / 65534) + 1e-6;
                }

                Assert.That(y[row][output], Is.EqualTo(expected).Within(bound));
            }
        }
    }

    private static CpuPrecision Precision(bool isNarrow) => isNarrow ? CpuPrecision.Fast : CpuPrecision.Automatic;

    private static float[][] Multiply(CpuBackend backend, Twin twin, LinearGroup group, float[][] values)
    {
        DeviceRows x = backend.CreateRows(RowSet.Step, group.Inputs);
        DeviceRows y = backend.CreateRows(RowSet.Step, group.Outputs);
        for (int row = 0; row < values.Length; row++)
        {
            Twin.Write(x, row, values[row]);
        }

        twin.Plan.Clear();
        twin.Plan.AddSlice(new int[values.Length], 0, [], 0);
        backend.BeginStep(twin.Plan);
        backend.Linear(group, x, y);
        return [.. Enumerable.Range(0, values.Length).Select(row => Twin.Read(y, row))];
    }
}
