using System.Runtime.Intrinsics;
using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Cpu;

internal sealed unsafe class HalfPackJobTests
{
    private const int Inputs = 2 * (22 << 10) / 16;

    [Test]
    public void Every_half_below_128_comes_back_with_its_bits_at_each_width()
    {
        // Both signs of zero, all subnormals, all normals up to 127.94.
        Half[] weights = [.. Enumerable.Range(0, 2 * (22 << 10)).Select(i =>
            BitConverter.UInt16BitsToHalf((ushort)((i >> 1) | ((i & 1) << 15))))];
        fixed (Half* data = weights)
        {
            var source = new WeightSource("halves", WeightFormat.F16, (nint)data, 16, Inputs);
            CpuFormat format = CpuFormats.Of(source, CpuWeights.AsStored);
            Assert.That(format.Packing, Is.TypeOf<FloatPacking<F16Panel>>());
            using var memory = new AlignedMemory(CpuMatrix.BytesFor(16, Inputs, format.Packing));
            var matrix = new CpuMatrix(16, Inputs, format.Packing, memory.Address);
            format.Pack(source, matrix, 1).Execute(0, 0);
            for (int pair = 0; pair < matrix.Pairs; pair++)
            {
                byte* at = matrix.Panel(0) + (pair * F16Panel.PairBytes);
                float[] even = [.. Enumerable.Range(0, 16).Select(output => (float)weights[(output * Inputs) + (2 * pair)])];
                float[] odd = [.. Enumerable.Range(0, 16).Select(output => (float)weights[(output * Inputs) + (2 * pair) + 1])];
                F16Panel.Load(at, out Vector512<float> even512, out Vector512<float> odd512);
                AssertBits(Numbers(even512), even);
                AssertBits(Numbers(odd512), odd);
                for (int half = 0; half < 2; half++)
                {
                    F16Panel.Load(at, half, out Vector256<float> even256, out Vector256<float> odd256);
                    AssertBits(Numbers(even256), even[(8 * half)..][..8]);
                    AssertBits(Numbers(odd256), odd[(8 * half)..][..8]);
                    AssertBits(Numbers(F16Panel.LoadEven(at, half)), even[(8 * half)..][..8]);
                    AssertBits(Numbers(F16Panel.LoadOdd(at, half)), odd[(8 * half)..][..8]);
                }

                for (int quarter = 0; quarter < 4; quarter++)
                {
                    F16Panel.Load(at, quarter, out Vector128<float> even128, out Vector128<float> odd128);
                    AssertBits(Numbers(even128), even[(4 * quarter)..][..4]);
                    AssertBits(Numbers(odd128), odd[(4 * quarter)..][..4]);
                }
            }
        }
    }

    [TestCase(127.9375f, true)]
    [TestCase(-127.9375f, true)]
    [TestCase(128f, false)]
    [TestCase(-128f, false)]
    [TestCase(float.NegativeInfinity, false)]
    [TestCase(float.NaN, false)]
    public void Larger_weights_are_kept_as_fp32_wherever_one_stands(float value, bool isHeld)
    {
        for (int at = 0; at < 70; at += 23)
        {
            var weights = new Half[70];
            weights[at] = (Half)value;
            fixed (Half* data = weights)
            {
                var source = new WeightSource("halves", WeightFormat.F16, (nint)data, 7, 10);
                Assert.That(
                    CpuFormats.Of(source, CpuWeights.AsStored).Packing,
                    isHeld ? Is.TypeOf<FloatPacking<F16Panel>>() : Is.TypeOf<FloatPacking<F32Panel>>(), $"{value} at {at}");
            }
        }
    }

    private static float[] Numbers(Vector512<float> vector) => [.. Numbers(vector.GetLower()), .. Numbers(vector.GetUpper())];

    private static float[] Numbers(Vector256<float> vector) => [.. Numbers(vector.GetLower()), .. Numbers(vector.GetUpper())];

    private static float[] Numbers(Vector128<float> vector) => [vector[0], vector[1], vector[2], vector[3]];

    private static void AssertBits(float[] actual, float[] expected) => Assert.That(
        actual.Select(BitConverter.SingleToUInt32Bits), Is.EqualTo(expected.Select(BitConverter.SingleToUInt32Bits)));
}
