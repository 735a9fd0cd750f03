using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>The library's own weights of four bits, or five.</summary>
public sealed unsafe class Int4Tests
{
    [SeededProperty(MaxTest = 60)]
    public void Products_have_the_bits_of_what_the_quantizer_made(int seed)
    {
        var random = new Random(seed);
        bool isWide = random.Next(3) == 0;
        int rows = random.Next(2) == 0 ? 1 : random.Next(1, 27), inputs = isWide ? random.Next(1024, 1200) : random.Next(1, 300);
        using var twin = new Twin(seed, rows);
        using var backend = new CpuBackend(rows, 0, random.Next(1, 5), CpuWeights.Int4);
        WeightSource weight = twin.Weight(twin.AnyType(), random.Next(1, isWide ? 40 : 150), inputs);
        float[][] x = [.. Enumerable.Range(0, rows).Select(_ => twin.Numbers(inputs))];

        float[][] y = Multiply(backend, twin, weight, x);

        for (int output = 0; output < weight.Rows; output++)
        {
            float[] numbers = QuantizedProduct.Row(weight, output);
            QuantizedProduct.Group[] groups = isWide ? Quantize<FourBitsAround8>(numbers) : Quantize<FiveBitsAround16>(numbers);
            for (int row = 0; row < rows; row++)
            {
                Assert.That(y[row][output], Is.EqualTo(QuantizedProduct.Multiply(groups, x[row])), $"{row}, {output}");
            }
        }
    }

    [SeededProperty(MaxTest = 200)]
    public void The_chosen_scale_is_no_worse_than_the_one_that_spans_all_numbers(int seed)
    {
        Check<FourBitsAround8>();
        Check<FiveBitsAround16>();

        void Check<TCodes>()
            where TCodes : struct, IPackedCodes
        {
            var random = new Random(seed);
            float size = MathF.Pow(10, random.Next(-8, 9)), shift = random.Next(3) - 1;
            float[] x = [.. Enumerable.Range(0, 32).Select(_ =>
                size * (shift + (float)(random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5)))];
            float largest = x.MaxBy(Math.Abs), step = -largest / TCodes.Zero;
            float[] plain = [.. x.Select(value => Math.Clamp(MathF.Round(value / step), -TCodes.Zero, TCodes.Zero - 1) * step)];

            float[] own = Values(Quantize<TCodes>(x)[0]);

            // The scale is rounded, too, and no trial is the one that spans all.
            double Error(float[] values) => Enumerable.Range(0, 32).Sum(i => Math.Pow((double)x[i] - values[i], 2));
            Assert.That(Error(own), Is.LessThanOrEqualTo((Error(plain) * 1.1) + Math.Pow(step, 2)));
        }
    }

    [Test]
    public void Numbers_on_a_grid_come_back([Values(0.25f, -0.25f)] float step)
    {
        float[] sixteen = [.. Enumerable.Range(0, 32).Select(i => ((i * 5 % 16) - 8) * step)];
        float[] all = [.. Enumerable.Range(0, 32).Select(i => ((i * 5 % 32) - 16) * step)];

        Assert.That(Values(Quantize<FourBitsAround8>(sixteen)[0]), Is.EqualTo(sixteen));
        Assert.That(Values(Quantize<FiveBitsAround16>(all)[0]), Is.EqualTo(all));
    }

    [Test]
    public void Zeros_stay_zeros_and_a_constant_is_kept_within_a_step_of_its_scale([Values(0f, 1f, -3f, 1e-35f, 1e30f)] float value)
    {
        float[] numbers = [.. Enumerable.Repeat(value, 32)];

        foreach (float[] own in (float[][])[Values(Quantize<FourBitsAround8>(numbers)[0]), Values(Quantize<FiveBitsAround16>(numbers)[0])])
        {
            Assert.That(own, Is.All.EqualTo(Math.Abs(value) < 1e-30f ? 0 : value).Within(0.005 * Math.Abs(value)));
        }
    }

    [Test]
    public void What_is_not_finite_stays_in_its_row_and_in_its_output()
    {
        using var twin = new Twin(2, 9);
        using var backend = new CpuBackend(9, 0, 2, CpuWeights.Int4);
        int next = 0;
        WeightSource weight = twin.Weight(TensorType.F32, 40, 70, () => next++ == (3 * 70) + 5 ? float.PositiveInfinity : twin.Number());
        float[][] x = [.. Enumerable.Range(0, 9).Select(_ => twin.Numbers(70))];
        x[4][69] = float.NaN;

        float[][] y = Multiply(backend, twin, weight, x);

        for (int row = 0; row < 9; row++)
        {
            for (int output = 0; output < 40; output++)
            {
                Assert.That(float.IsNaN(y[row][output]), Is.EqualTo(row == 4 || output == 3), $"{row}, {output}");
            }
        }
    }

    private static float[] Values(QuantizedProduct.Group group) => [.. group.Integers.Select(integer => group.Scale * integer)];

    private static QuantizedProduct.Group[] Quantize<TCodes>(float[] numbers)
        where TCodes : struct, IPackedCodes
    {
        const int Output = 5;
        float* x = stackalloc float[32 * 16];
        byte* packed = stackalloc byte[OwnGroup<TCodes>.Bytes];
        var groups = new List<QuantizedProduct.Group>();
        for (int first = 0; first < numbers.Length; first += 32)
        {
            // Among other outputs, which must not matter.
            for (int i = 0; i < 32 * 16; i++)
            {
                x[i] = i % 16 != Output ? i - 70 : first + (i / 16) < numbers.Length ? numbers[first + (i / 16)] : 0;
            }

            OwnGroup<TCodes>.Quantize(x, packed);
            ushort* scales = (ushort*)(packed + OwnGroup<TCodes>.Bytes) - 16;
            groups.Add(new QuantizedProduct.Group(
                [.. Enumerable.Range(0, 32).Select(i => Code((ushort*)packed, i) - TCodes.Zero)], Elements.Widen(scales[Output])));

            // A word has the codes of four pairs; behind the planes of four bits is a word with the fifth bits of sixteen.
            static int Code(ushort* planes, int input)
            {
                int pair = input / 2, word = (2 * Output) + (input % 2), shift = (pair % 4) switch { 0 => 0, 1 => 8, 2 => 4, _ => 12 };
                int code = (planes[(pair / 4 * 32) + word] >> shift) & 15;
                return TCodes.Zero == 8 ? code : code | (((planes[(4 * 32) + word] >> pair) & 1) << 4);
            }
        }

        return [.. groups];
    }

    private static float[][] Multiply(CpuBackend backend, Twin twin, WeightSource weight, float[][] values)
    {
        var group = new LinearGroup(new LinearPart(backend.LoadMatrix(weight), null, 0));
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
