using NUnit.Framework;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Core.Tests.Backends.Cpu.MachineCode;

internal sealed unsafe class HalfWideningTests
{
    [Test]
    public void There_is_code_or_a_reason_and_the_status_says_which()
    {
        using var backend = new CpuBackend(1, 0, 1);

        Assert.That(HalfWidening.Process is null, Is.EqualTo(HalfWidening.Missing is not null));
        Assert.That(
            backend.Status.MachineCode,
            HalfWidening.Missing is { } missing ? Does.Contain(": " + missing) : Does.StartWith("half precision (F16C)"));
    }

    [Test]
    public void Every_half_has_the_bits_of_CSharp_and_signalling_NaN_becomes_quiet()
    {
        const int Halves = 1 << 16;
        const uint Quiet = 1 << 22;
        using var source = new AlignedMemory(Halves * sizeof(ushort));
        using var result = new AlignedMemory(Halves * sizeof(float));
        using var single = new AlignedMemory(sizeof(float));
        for (int i = 0; i < Halves; i++)
        {
            ((ushort*)source.Address)[i] = (ushort)i;
        }

        foreach (HalfWidening code in Code())
        {
            Widen(code, source.Address, 0, result.Floats, 0, Halves, 1);
            for (int i = 0; i < Halves; i++)
            {
                float inCSharp = F16Elements.Load(source.Address + (i * sizeof(ushort)));
                uint expected = BitConverter.SingleToUInt32Bits(inCSharp) | (float.IsNaN(inCSharp) ? Quiet : 0);
                Widen(code, source.Address + (i * sizeof(ushort)), 0, single.Floats, 0, 1, 1);
                Assert.That(BitConverter.SingleToUInt32Bits(result.Floats[i]), Is.EqualTo(expected), $"{i:x4}");
                Assert.That(BitConverter.SingleToUInt32Bits(*single.Floats), Is.EqualTo(expected), $"{i:x4} alone");
            }
        }
    }

    [Test]
    public void Rows_of_any_length_and_distance_stay_inside_their_buffers([Range(0, 40)] int columns, [Values(1, 3)] int rows)
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("guarded memory is for Linux");
        }

        foreach (HalfWidening code in Code())
        {
            for (int gap = 0; gap < 20; gap += 7)
            {
                Check(code, columns, rows, gap);
            }
        }
    }

    private static void Check(HalfWidening code, int columns, int rows, int gap)
    {
        var random = new Random(columns);
        int step = columns + gap, resultStep = columns + (2 * gap);
        int halves = ((rows - 1) * step) + columns, floats = ((rows - 1) * resultStep) + columns;
        using var source = new GuardedMemory(halves * sizeof(ushort));
        using var result = new GuardedMemory(floats * sizeof(float));
        for (int i = 0; i < halves; i++)
        {
            ((Half*)source.Data)[i] = (Half)random.NextSingle();
        }

        new Span<float>((float*)result.Data, floats).Fill(-1);
        Widen(code, source.Data, step, (float*)result.Data, resultStep, columns, rows);
        for (int i = 0; i < floats; i++)
        {
            (int row, int column) = resultStep == 0 ? (0, 0) : Math.DivRem(i, resultStep);
            float expected = column < columns ? (float)((Half*)source.Data)[(row * step) + column] : -1;
            Assert.That(((float*)result.Data)[i], Is.EqualTo(expected), $"row {row}, column {column} of {columns}");
        }
    }

    private static void Widen(HalfWidening code, byte* source, int step, float* result, int resultStep, int columns, int rows) =>
        code.Widen(new HalfWideningArguments
        {
            Source = source,
            SourceStep = step * sizeof(ushort),
            Result = result,
            ResultStep = resultStep * sizeof(float),
            Columns = columns,
            Rows = rows,

            // Into pages that nobody may touch: asking for them is no access.
            Near = 4096,
            Far = 1 << 20,
        });

    private static HalfWidening[] Code()
    {
        if (HalfWidening.Missing is { } missing)
        {
            Assert.Ignore(missing);
        }

        return HalfWidening.Widths.ToArray();
    }
}
