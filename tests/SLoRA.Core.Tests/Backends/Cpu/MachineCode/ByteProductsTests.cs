using NUnit.Framework;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Core.Tests.Backends.Cpu.MachineCode;

internal sealed unsafe class ByteProductsTests
{
    [Test]
    public void Every_shape_has_the_bits_of_scalars_and_stays_inside_its_buffers(
        [Values(1, 2, 9)] int groups, [Values(4, 8, 16)] int quads, [Values(3, 1)] int panels)
    {
        if (WordProducts.Process is not { } code || !OperatingSystem.IsLinux())
        {
            Assert.Ignore(WordProducts.Missing ?? "guarded memory is for Linux");
            return;
        }

        const int Rows = 8;
        var random = new Random(groups + quads);
        int groupBytes = (quads * 64) + 64;
        int stride = (groups * quads) + random.Next(3), groupStride = groups + random.Next(3);
        int words = ((Rows - 1) * stride) + (groups * quads), rowGroups = ((Rows - 1) * groupStride) + groups;
        using var x = new GuardedMemory(words * sizeof(int));
        using var rows = new GuardedMemory(rowGroups * sizeof(RowGroup));
        using var weights = new GuardedMemory(panels * groups * groupBytes);
        using var result = new GuardedMemory(Rows * panels * 16 * sizeof(float));
        random.NextBytes(new Span<byte>(x.Data, words * sizeof(int)));
        random.NextBytes(new Span<byte>(weights.Data, panels * groups * groupBytes));
        for (int i = 0; i < rowGroups; i++)
        {
            ((RowGroup*)rows.Data)[i] = new RowGroup(i == 3 ? float.NaN : random.NextSingle(), random.Next(-500_000, 500_000));
        }

        for (int group = 0; group < panels * groups; group++)
        {
            for (int output = 0; output < 16; output++)
            {
                ((float*)(weights.Data + (group * groupBytes) + (quads * 64)))[output] = random.NextSingle() - 0.5f;
            }
        }

        var arguments = new IntegerProductArguments
        {
            X = (int*)x.Data,
            Stride = stride * sizeof(int),
            Scales = (float*)rows.Data,
            ScaleStride = groupStride * sizeof(RowGroup),
            Weights = weights.Data,
            PanelBytes = groups * groupBytes,
            Groups = groups,
            Words = quads,
            Result = (float*)result.Data,
        };
        if (panels == 3)
        {
            code.Bytes.Rows8Panels3(arguments);
        }
        else
        {
            code.Bytes.Rows8Panels1(arguments);
        }

        for (int row = 0; row < Rows; row++)
        {
            for (int column = 0; column < panels * 16; column++)
            {
                float expected = 0;
                for (int group = 0; group < groups; group++)
                {
                    byte* w = weights.Data + (((column / 16 * groups) + group) * groupBytes);
                    RowGroup ofRow = ((RowGroup*)rows.Data)[(row * groupStride) + group];
                    int sum = ofRow.Start;
                    for (int i = 0; i < 4 * quads; i++)
                    {
                        sbyte a = ((sbyte*)x.Data)[(((row * stride) + (group * quads)) * 4) + i];
                        sum += a * w[(i / 4 * 64) + (column % 16 * 4) + (i % 4)];
                    }

                    float scale = ((float*)(w + (quads * 64)))[column % 16] * ofRow.Scale;
                    expected = MathF.FusedMultiplyAdd(sum, scale, expected);
                }

                float actual = ((float*)result.Data)[(row * panels * 16) + column];
                Assert.That(
                    BitConverter.SingleToUInt32Bits(actual), Is.EqualTo(BitConverter.SingleToUInt32Bits(expected)), $"{row}, {column}");
            }
        }
    }
}
