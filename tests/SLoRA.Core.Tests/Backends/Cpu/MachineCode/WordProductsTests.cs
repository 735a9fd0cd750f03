using NUnit.Framework;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Core.Tests.Backends.Cpu.MachineCode;

internal sealed unsafe class WordProductsTests
{
    [Test]
    public void There_is_code_or_a_reason_and_the_status_says_which()
    {
        using var backend = new CpuBackend(1, 0, 1);
        using var off = new CpuBackend(1, 0, 1, machineCode: MachineCodeUse.Off);

        Assert.That(WordProducts.Process is null, Is.EqualTo(WordProducts.Missing is not null));
        Assert.That(backend.Status.MachineCode, WordProducts.Missing is { } missing ? Does.EndWith(missing) : Does.Contain("AVX512_VNNI"));
        Assert.That(off.Status.MachineCode, Is.EqualTo("none: switched off"));
    }

    [Test]
    public void Every_shape_has_the_bits_of_the_kernels_in_CSharp_and_stays_inside_its_buffers(
        [Values(1, 2, 9)] int groups, [Values] bool small)
    {
        if (WordProducts.Process is not { } code || !OperatingSystem.IsLinux())
        {
            Assert.Ignore(WordProducts.Missing ?? "guarded memory is for Linux");
            return;
        }

        if (small)
        {
            Compare<Groups32>(code, groups);
        }
        else
        {
            Compare<Groups64>(code, groups);
        }
    }

    private static void Compare<T>(WordProducts code, int groups)
        where T : struct, IInt8Groups
    {
        var random = new Random(groups);
        foreach ((int rows, int panels) in (ReadOnlySpan<(int, int)>)[(8, 3), (8, 1), (4, 4), (4, 1)])
        {
            // Rows lie further apart than they are long, as in the backend.
            nint stride = (groups * T.Pairs) + random.Next(3);
            nint scaleStride = groups + random.Next(3);
            nint panelBytes = groups * Int8Layout<T>.GroupBytes;
            using var x = new GuardedMemory((((rows - 1) * stride) + (groups * T.Pairs)) * sizeof(int));
            using var scales = new GuardedMemory((((rows - 1) * scaleStride) + groups) * sizeof(float));
            using var weights = new GuardedMemory(panels * panelBytes);
            using var result = new GuardedMemory(rows * panels * Lanes.Count * sizeof(float));
            random.NextBytes(new Span<byte>(x.Data, (int)((((rows - 1) * stride) + (groups * T.Pairs)) * sizeof(int))));
            for (int i = 0; i < ((rows - 1) * scaleStride) + groups; i++)
            {
                ((float*)scales.Data)[i] = i == 3 ? float.NaN : random.NextSingle();
            }

            for (int panel = 0; panel < panels; panel++)
            {
                for (int group = 0; group < groups; group++)
                {
                    byte* at = weights.Data + (panel * panelBytes) + (group * Int8Layout<T>.GroupBytes);
                    random.NextBytes(new Span<byte>(at, Int8Layout<T>.IntegerBytes));
                    for (int output = 0; output < Lanes.Count; output++)
                    {
                        ((float*)(at + Int8Layout<T>.IntegerBytes))[output] = random.NextSingle() - 0.5f;
                    }
                }
            }

            var expected = new float[rows * panels * Lanes.Count];
            fixed (float* pointer = expected)
            {
                Managed<T>(rows, panels)(
                    (int*)x.Data, stride, (float*)scales.Data, scaleStride, weights.Data, panelBytes, groups, pointer);
            }

            var arguments = new IntegerProductArguments
            {
                X = (int*)x.Data,
                Stride = stride * sizeof(int),
                Scales = (float*)scales.Data,
                ScaleStride = scaleStride * sizeof(float),
                Weights = weights.Data,
                PanelBytes = panelBytes,
                Groups = groups,
                Words = T.Pairs,
                Result = (float*)result.Data,
            };
            switch ((rows, panels))
            {
                case (8, 3):
                    code.Rows8Panels3(arguments);
                    break;
                case (8, 1):
                    code.Rows8Panels1(arguments);
                    break;
                case (4, 4):
                    code.Rows4Panels4(arguments);
                    break;
                default:
                    code.Rows4Panels1(arguments);
                    break;
            }

            uint[] bits = new Span<uint>(result.Data, expected.Length).ToArray();
            Assert.That(bits, Is.EqualTo(expected.Select(BitConverter.SingleToUInt32Bits)), $"{rows} rows, {panels} panels");
        }
    }

    private static delegate*<int*, nint, float*, nint, byte*, nint, int, float*, void> Managed<T>(int rows, int panels)
        where T : struct, IInt8Groups => (rows, panels) switch
        {
            (8, 3) => &Int8Kernels512.Rows8Panels3<T>,
            (8, 1) => &Int8Kernels512.Rows8Panels1<T>,
            (4, 4) => &Int8Kernels512.Rows4Panels4<T>,
            _ => &Int8Kernels512.Rows4Panels1<T>,
        };
}
