using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Cpu.MachineCode;
using SLoRA.Backends.Reference;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>Products with weights of few bits as they are stored.</summary>
public sealed unsafe class PackedProductTests
{
    private const int LargestCode = 63;

    /// <summary>Where the codes of a block are.</summary>
    private static readonly (BlockFormat Format, int From, int End)[] _codes =
    [
        (BlockFormats.Q4_0, 2, 18), (BlockFormats.Q4_1, 4, 20), (BlockFormats.Q5_0, 2, 22), (BlockFormats.Q5_1, 4, 24),
        (BlockFormats.Q2K, 16, 80), (BlockFormats.Q3K, 0, 96), (BlockFormats.Q4K, 16, 144), (BlockFormats.Q5K, 16, 176),
        (BlockFormats.Q6K, 0, 192),
    ];

    [SeededProperty(MaxTest = 120)]
    public void Products_have_the_bits_of_their_formula(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(2) == 0 ? 1 : random.Next(1, 27);
        BlockFormat[] formats = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Any(random))];
        int inputs = formats.Max(format => format.BlockElements) * random.Next(1, 5);
        using var twin = new Twin(seed, rows);
        bool isNarrow = random.Next(2) == 0;
        using var backend = new CpuBackend(
            rows, 0, random.Next(1, 5), (CpuWeights)random.Next(3), precision: Precision(isNarrow));
        WeightSource[] weights = [.. formats.Select(format => twin.Weight(format, random.Next(1, 150), inputs))];
        LinearPart[] parts = [.. weights.Select((weight, i) => new LinearPart(backend.LoadMatrix(weight), null, i))];
        float[][] x = [.. Enumerable.Range(0, rows).Select(_ => twin.Numbers(inputs))];

        float[][] y = Multiply(backend, twin, new LinearGroup([.. parts]), x);

        for (int row = 0; row < rows; row++)
        {
            float[] expected = [.. weights.SelectMany(weight => QuantizedProduct.Multiply(weight, null, x[row], isNarrow))];
            Assert.That(y[row], Is.EqualTo(expected), $"row {row} of {rows}, {string.Join(' ', (object[])formats)}");
        }
    }

    [SeededProperty(MaxTest = 60)]
    public void Products_differ_from_the_Reference_by_the_rounding_of_activations_alone(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 10);
        BlockFormat format = Any(random);
        int inputs = format.BlockElements * random.Next(1, 5);
        using var twin = new Twin(seed, rows, threads: 2);
        WeightSource weight = twin.Weight(format, random.Next(1, 70), inputs);
        float[] w = weight.Widened();
        float[][] x = [.. Enumerable.Range(0, rows).Select(_ => twin.Numbers(inputs))];

        float[][] y = Multiply(twin.Cpu, twin, new LinearGroup(new LinearPart(twin.Cpu.LoadMatrix(weight), null, 0)), x);

        for (int row = 0; row < rows; row++)
        {
            for (int output = 0; output < weight.Rows; output++)
            {
                double expected = 0, magnitudes = 0;
                for (int i = 0; i < inputs; i++)
                {
                    expected += (double)w[(output * inputs) + i] * x[row][i];
                    magnitudes += Math.Abs(w[(output * inputs) + i]);
                }

                // Codes and what is added to them cancel: sums are up to 32 times as large as the weights.
                double bound = magnitudes * ((0.5 / 32767) + (32 * (inputs + 4) * Math.Pow(2, -24)));
                Assert.That(y[row][output], Is.EqualTo(expected).Within(bound), $"{format}, row {row}, output {output}");
            }
        }
    }

    [SeededProperty(MaxTest = 40)]
    public void Exact_products_have_the_bits_of_the_Reference(int seed)
    {
        Assume.That(ScalarSum.IsFused, "The Reference always fuses.");
        var random = new Random(seed);
        int rows = random.Next(1, 10);
        BlockFormat format = Any(random);
        int inputs = format.BlockElements * random.Next(1, 4);
        using var twin = new Twin(seed, rows);
        using var backend = new CpuBackend(rows, 0, 2, precision: CpuPrecision.Exact);
        WeightSource weight = twin.Weight(format, random.Next(1, 70), inputs);
        float[][] x = [.. Enumerable.Range(0, rows).Select(_ => twin.Numbers(inputs))];
        var reference = new LinearGroup(new LinearPart(twin.Reference.LoadMatrix(weight), null, 0));

        float[][] y = Multiply(backend, twin, new LinearGroup(new LinearPart(backend.LoadMatrix(weight), null, 0)), x);

        Assert.That(y, Is.EqualTo(Multiply(twin.Reference, twin, reference, x)));
    }

    [Test]
    public void Every_vector_width_gives_the_same_bits(
        [Range(0, 12)] int packed, [Values] bool isNarrow, [Values(1, 2, 5, 13)] int rows, [Values(5, 100)] int outputs)
    {
        BlockFormat format = RandomBlocks.Packed[packed];
        int inputs = 2 * format.BlockElements;
        using var twin = new Twin(rows + outputs, rows);
        using var backend = new CpuBackend(rows, 0, 1, precision: Precision(isNarrow));
        WeightSource weight = twin.Weight(format, outputs, inputs);
        var group = new LinearGroup(new LinearPart(backend.LoadMatrix(weight), null, 0));
        float[][] values = [.. Enumerable.Range(0, rows).Select(_ => twin.Numbers(inputs))];
        float[][] expected = Multiply(backend, twin, group, values);
        DeviceRows x = backend.CreateRows(RowSet.Step, inputs);
        using var quantized = new QuantizedInputs(rows, isNarrow);
        quantized.Prepare(group);
        for (int row = 0; row < rows; row++)
        {
            Twin.Write(x, row, values[row]);
            quantized.Wanted[0].Quantize(row, ((CpuRows)x).Row(row), inputs);
        }

        var matrix = (CpuMatrix)group.Parts[0].Weight;
        using var spaces = new UnpackSpaces(1);
        spaces.Reserve(matrix.Packing.UnpackedBytes(inputs));
        float* result = stackalloc float[PanelBlock.ResultFloats];
        IEnumerable<int> ofBytes = isNarrow && ByteDot.AddsTwo(LargestCode) ? [IntegerProducts.Bytes] : [];
        IEnumerable<int> ways = IntegerProducts.Ways(isNarrow).Union(ofBytes);
        IEnumerable<int> ofRow = [
            .. ByteDot.IsSupported ? (int[])[IntegerProducts.Bytes] : [],
            .. WordProducts.Process is null ? (int[])[] : [IntegerProducts.ByteCode],
        ];
        foreach (int way in rows == 1 ? ways.Union(ofRow) : ways)
        {
            DeviceRows y = backend.CreateRows(RowSet.Step, outputs);
            MultiplyIn(way, format, new PanelBlock
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
                Borders = [0, inputs],
            });
            for (int row = 0; row < rows; row++)
            {
                Assert.That(Twin.Read(y, row), Is.EqualTo(expected[row]), $"way {way}");
            }
        }
    }

    [Test]
    public void Sums_of_the_largest_codes_and_activations_are_exact_for_any_rows([Range(0, 8)] int index, [Values] bool isLargest)
    {
        (BlockFormat format, int from, int end) = _codes[index];
        const int LargestRows = 20, Blocks = 3, Outputs = 37;
        int inputs = Blocks * format.BlockElements;
        using var twin = new Twin(index, LargestRows);
        using var backend = new CpuBackend(LargestRows, 0, 1, precision: CpuPrecision.Fast);
        WeightSource weight = twin.Weight(format, Outputs, inputs);
        for (int block = 0; block < Blocks * Outputs; block++)
        {
            var codes = new Span<byte>((byte*)weight.Data + (block * format.BlockBytes) + from, end - from);
            codes.Fill(isLargest ? byte.MaxValue : byte.MinValue);
        }

        var group = new LinearGroup(new LinearPart(backend.LoadMatrix(weight), null, 0));

        // Integers ±127: of one sign, so that sums are as large as they get; in turn, as pairs have them; with the signs of a few bits.
        float[][] x = [.. Enumerable.Range(0, LargestRows).Select(row => (float[])[.. Enumerable.Range(0, inputs).Select(input => row switch
        {
            0 => 1f,
            1 => -1f,
            _ => ((input * row) >> (row % 5)) % 2 == 0 ? 1f : -1f,
        })])];
        float[][] expected = [.. x.Select(row => QuantizedProduct.Multiply(weight, null, row, isNarrow: true))];
        for (int rows = 1; rows <= LargestRows; rows++)
        {
            Assert.That(Multiply(backend, twin, group, x[..rows]), Is.EqualTo(expected[..rows]), $"{format.Name}, {rows} rows");
            Assert.That(
                Multiply(backend, twin, group, x[^rows..]), Is.EqualTo(expected[^rows..]), $"{format.Name}, the last {rows} rows");
        }
    }

    [SeededProperty(MaxTest = 25)]
    public void Leaves_of_a_sum_are_summed_by_themselves_alone_and_in_a_batch(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(2, 12);
        BlockFormat format = Any(random);
        using var twin = new Twin(seed, rows);
        int inputs = 512;
        bool isNarrow = random.Next(2) == 0;
        using var backend = new CpuBackend(rows, 0, 2, precision: Precision(isNarrow));
        WeightSource weight = twin.Weight(format, random.Next(1, 60), inputs);
        var group = new LinearGroup(new LinearPart(backend.LoadMatrix(weight), null, 0)) { InputBorders = [0, 64, 192, 320, inputs] };
        float[][] x = [.. Enumerable.Range(0, rows).Select(_ => twin.Numbers(inputs))];

        float[][] y = Multiply(backend, twin, group, x);

        for (int row = 0; row < rows; row++)
        {
            Assert.That(Multiply(backend, twin, group, [x[row]])[0], Is.EqualTo(y[row]));
            float[] leaves = new float[4];
            for (int output = 0; output < weight.Rows; output++)
            {
                QuantizedProduct.Group[] groups = QuantizedProduct.Groups(weight, output);
                int size = groups[0].Integers.Length;
                for (int leaf = 0; leaf < 4; leaf++)
                {
                    (int first, int end) = (group.InputBorders[leaf], group.InputBorders[leaf + 1]);
                    leaves[leaf] = QuantizedProduct.Multiply(groups[(first / size)..(end / size)], x[row][first..end], isNarrow);
                }

                Assert.That(y[row][output], Is.EqualTo((leaves[0] + leaves[1]) + (leaves[2] + leaves[3])), $"{format}, {row}, {output}");
            }
        }
    }

    [Test]
    public void A_panel_takes_what_its_format_stores_and_little_more()
    {
        Assert.Multiple(() =>
        {
            AssertBits<PackedPacking<FourBitsAround8, HalfScales, Groups32>>(BlockFormats.Q4_0, 4.5);
            AssertBits<PackedPacking<FourBits, HalfPairs, Groups32>>(BlockFormats.Q4_1, 5);
            AssertBits<PackedPacking<FiveBitsAround16, HalfScales, Groups32>>(BlockFormats.Q5_0, 5.5);
            AssertBits<PackedPacking<FiveBits, HalfPairs, Groups32>>(BlockFormats.Q5_1, 6);
            AssertBits<PackedPacking<FourBits, SharedPairs<Groups32>, Groups32>>(BlockFormats.Q4K, 4.625);
            AssertBits<PackedPacking<FiveBits, SharedPairs<Groups32>, Groups32>>(BlockFormats.Q5K, 5.625);
            AssertBits<PackedPacking<SixBitsAround32, SharedScales<Groups16>, Groups16>>(BlockFormats.Q6K, 6.5625);
            AssertBits<PackedPacking<FourBitsAround4, SharedScales<Groups16>, Groups16>>(BlockFormats.Q3K, 4.5625);
            AssertBits<PackedPacking<FourBits, SharedPairs<Groups16>, Groups16>>(BlockFormats.Q2K, 5.125);
            AssertBits<PackedPacking<FourBits, ZeroScales<HalfZeros>, Groups32>>(ZeroedFormat.Halves, 4.75);
        });

        static void AssertBits<T>(BlockFormat format, double bits)
        {
            using var twin = new Twin(1, 1);
            var matrix = (CpuMatrix)twin.Cpu.LoadMatrix(twin.Weight(format, 16, 1024));
            Assert.That(matrix.Packing, Is.TypeOf<T>());
            Assert.That(matrix.PanelBytes * 8.0 / (16 * 1024), Is.EqualTo(bits), format.Name);
        }
    }

    private static CpuPrecision Precision(bool isNarrow) => isNarrow ? CpuPrecision.Fast : CpuPrecision.Automatic;

    private static BlockFormat Any(Random random) => RandomBlocks.Packed[random.Next(RandomBlocks.Packed.Length)];

    private static void MultiplyIn(int way, BlockFormat format, in PanelBlock block)
    {
        switch (format.Name)
        {
            case "Q4_0":
                MultiplyPacked<FourBitsAround8, HalfScales, Groups32>(way, block);
                break;
            case "Q4_1":
                MultiplyPacked<FourBits, HalfPairs, Groups32>(way, block);
                break;
            case "Q5_0":
                MultiplyPacked<FiveBitsAround16, HalfScales, Groups32>(way, block);
                break;
            case "Q5_1":
                MultiplyPacked<FiveBits, HalfPairs, Groups32>(way, block);
                break;
            case "Q2_K":
                MultiplyPacked<FourBits, SharedPairs<Groups16>, Groups16>(way, block);
                break;
            case "Q3_K":
                MultiplyPacked<FourBitsAround4, SharedScales<Groups16>, Groups16>(way, block);
                break;
            case "Q4_K":
                MultiplyPacked<FourBits, SharedPairs<Groups32>, Groups32>(way, block);
                break;
            case "Q5_K":
                MultiplyPacked<FiveBits, SharedPairs<Groups32>, Groups32>(way, block);
                break;
            case "Q6_K":
                MultiplyPacked<SixBitsAround32, SharedScales<Groups16>, Groups16>(way, block);
                break;
            case "int4 with F16 scales":
                MultiplyPacked<FourBits, ZeroScales<HalfZeros>, Groups32>(way, block);
                break;
            case "int4 with BF16 scales":
                MultiplyPacked<FourBits, ZeroScales<BrainZeros>, Groups32>(way, block);
                break;
            default:
                bool isOfWords = way is IntegerProducts.ByteCode
                    ? !block.Quantized.IsNarrow
                    : way is IntegerProducts.Bytes && !(block.Quantized.IsNarrow && ByteDot.IsSupported);
                IntegerProducts.Multiply<Groups32>(isOfWords ? 256 : way, block);
                break;
        }
    }

    private static void MultiplyPacked<TCodes, TScales, T>(int way, in PanelBlock block)
        where TCodes : struct, IPackedCodes
        where TScales : struct, IPackedScales
        where T : struct, IInt8Groups
    {
        if (block.Rows == 1 && way is (IntegerProducts.Bytes or IntegerProducts.ByteCode))
        {
            bool isCode = way == IntegerProducts.ByteCode && PackedRowProducts.Takes(TCodes.HighBits, Int8Layout<T>.GroupInputs);
            PackedRowProduct<TCodes, TScales, T>.Multiply(block, isCode ? WordProducts.Process!.PackedRows : null);
        }
        else if (way is IntegerProducts.Bytes or IntegerProducts.ByteCode)
        {
            ByteProduct<T>.Multiply<PackedBytePanel<TCodes, TScales, T>>(
                block, way == IntegerProducts.Bytes ? null : WordProducts.Process!.Bytes);
        }
        else if (block.Rows == 1)
        {
            PackedProduct<TCodes, TScales, T>.MultiplyRow(block, way == IntegerProducts.MachineCode ? 512 : way);
        }
        else
        {
            PackedProduct<TCodes, TScales, T>.MultiplyRows(block, (in PanelBlock panels) => IntegerProducts.Multiply<T>(way, panels));
        }
    }

    private static float[][] Multiply(IBackend backend, Twin twin, LinearGroup group, float[][] values)
    {
        DeviceRows x = backend.CreateRows(RowSet.Step, group.Inputs);
        DeviceRows y = backend.CreateRows(RowSet.Step, group.Outputs);
        for (int row = 0; row < values.Length; row++)
        {
            Twin.Write(x, row, values[row]);
        }

        twin.Plan.Clear();
        twin.Plan.AddSlice(new int[values.Length], 0, [], 0);
        if (backend is ReferenceBackend)
        {
            // It looks at its pages when a step begins.
            backend.AllocatePages(Layouts.For(TensorType.F32, 1, Layouts.Attention(1, 1, 2)), 1);
        }

        backend.BeginStep(twin.Plan);
        backend.Linear(group, x, y);
        return [.. Enumerable.Range(0, values.Length).Select(row => Twin.Read(y, row))];
    }
}
