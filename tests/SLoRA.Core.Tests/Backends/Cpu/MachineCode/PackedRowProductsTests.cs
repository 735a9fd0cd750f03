using NUnit.Framework;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Core.Tests.Backends.Cpu.MachineCode;

internal sealed unsafe class PackedRowProductsTests
{
    [Test]
    public void Every_entry_has_the_bits_of_scalars_and_stays_inside_its_buffers(
        [Values(1, 2, 9)] int groups, [Values] bool isNarrow, [Values(0, 20, 64)] int scaleBytes)
    {
        Compare<FourBits, Groups32>(groups, isNarrow, scaleBytes);
        Compare<FourBits, Groups16>(groups, isNarrow, scaleBytes);
        Compare<FiveBitsAround16, Groups32>(groups, isNarrow, scaleBytes);
        Compare<SixBitsAround32, Groups16>(groups, isNarrow, scaleBytes);
    }

    [Test]
    public void The_kernels_in_CSharp_have_the_same_bits([Values(1, 9)] int groups, [Values] bool isNarrow)
    {
        if (!ByteDot.IsSupported && !(isNarrow && ByteDot.AddsTwo(63)))
        {
            Assert.Ignore("no instructions for bytes");
        }

        Compare<FourBits, Groups32>(groups, isNarrow, 32, inCSharp: true);
        Compare<FourBits, Groups16>(groups, isNarrow, 32, inCSharp: true);
        Compare<FiveBitsAround16, Groups32>(groups, isNarrow, 32, inCSharp: true);
        Compare<SixBitsAround32, Groups16>(groups, isNarrow, 32, inCSharp: true);
    }

    private static void Compare<TCodes, T>(int groups, bool isNarrow, int scaleBytes, bool inCSharp = false)
        where TCodes : struct, IPackedCodes
        where T : struct, IInt8Groups
    {
        PackedRowProducts? code = WordProducts.Process?.PackedRows;
        bool isThere = code is not null && PackedRowProducts.Takes(TCodes.HighBits, Int8Layout<T>.GroupInputs);
        if ((!inCSharp && !isThere) || !OperatingSystem.IsLinux())
        {
            Assert.Ignore(WordProducts.Missing ?? "no AVX512_VBMI, or no guarded memory");
        }

        const int PlaneBytes = 64;
        var random = new Random(groups);
        int inputs = 2 * T.Pairs, activationBytes = isNarrow ? 1 : 2;
        int highAt = T.Pairs / 4 * PlaneBytes;
        int codeBytes = highAt + (TCodes.HighBits > 0 ? PlaneBytes : 0);
        int groupBytes = codeBytes + scaleBytes;

        // The last group ends where its codes do: nothing of what may lie behind them is read.
        using var weights = new GuardedMemory(((groups - 1) * groupBytes) + codeBytes);
        using var x = new GuardedMemory(groups * inputs * activationBytes);
        using var rows = new GuardedMemory(groups * sizeof(RowGroup));
        using var scales = new GuardedMemory(groups * 16 * sizeof(float));
        using var result = new GuardedMemory(16 * sizeof(float));
        random.NextBytes(new Span<byte>(weights.Data, ((groups - 1) * groupBytes) + codeBytes));
        random.NextBytes(new Span<byte>(x.Data, groups * inputs * activationBytes));
        for (int i = 0; i < groups; i++)
        {
            ((RowGroup*)rows.Data)[i] = new RowGroup(i == 3 ? float.NaN : random.NextSingle(), random.Next(-500_000, 500_000));
        }

        for (int i = 0; i < 16 * groups; i++)
        {
            ((float*)scales.Data)[i] = random.NextSingle() - 0.5f;
        }

        float[] expected = new float[16];
        for (int output = 0; output < 16; output++)
        {
            ((float*)result.Data)[output] = expected[output] = output;
            for (int group = 0; group < groups; group++)
            {
                RowGroup ofRow = ((RowGroup*)rows.Data)[group];
                int sum = ofRow.Start;
                for (int input = 0; input < inputs; input++)
                {
                    sum += Code(weights.Data + (group * groupBytes), highAt, TCodes.HighBits, output, input)
                        * Activation(x.Data, isNarrow, (group * inputs) + input);
                }

                float scale = ((float*)scales.Data)[(16 * group) + output] * ofRow.Scale;
                expected[output] = MathF.FusedMultiplyAdd(sum, scale, expected[output]);
            }
        }

        var arguments = new PackedRowArguments
        {
            X = (int*)x.Data,
            RowGroups = (RowGroup*)rows.Data,
            Weights = weights.Data,
            GroupBytes = groupBytes,
            Groups = groups,
            Fetch = 1 << 20,
            Scales = (float*)scales.Data,
            Result = (float*)result.Data,
        };
        if (!inCSharp)
        {
            code!.Multiply(arguments, TCodes.HighBits, Int8Layout<T>.GroupInputs, isNarrow);
        }
        else if (isNarrow)
        {
            PackedByteKernels.OneByte<TCodes, T>(arguments);
        }
        else
        {
            PackedByteKernels.TwoBytes<TCodes, T>(arguments);
        }

        uint[] bits = new Span<uint>(result.Data, 16).ToArray();
        Assert.That(bits, Is.EqualTo(expected.Select(BitConverter.SingleToUInt32Bits)), $"{typeof(TCodes).Name}, {typeof(T).Name}");
    }

    /// <summary>A code out of its planes, as the layout states it.</summary>
    private static int Code(byte* group, int highAt, int highBits, int output, int input)
    {
        int pair = input / 2, word = (2 * output) + (input % 2);
        int nibbles = ((ushort*)(group + (pair / 4 * 64)))[word];
        int shift = (pair % 4) switch
        {
            0 => 0,
            1 => 8,
            2 => 4,
            _ => 12,
        };
        int high = highBits == 0 ? 0 : ((ushort*)(group + highAt))[word] >> (pair * highBits) & ((1 << highBits) - 1);
        return (nibbles >> shift & 15) | (high << 4);
    }

    /// <summary>An activation: of each quad of inputs, in the order 0, 2, 1, 3, the lower bytes, then the upper ones.</summary>
    private static int Activation(byte* x, bool isNarrow, int input)
    {
        int place = (input % 4) switch
        {
            1 => 2,
            2 => 1,
            int same => same,
        };
        byte* quad = x + (input / 4 * (isNarrow ? 4 : 8));
        return isNarrow ? (sbyte)quad[place] : quad[place] + (256 * (sbyte)quad[4 + place]);
    }
}
