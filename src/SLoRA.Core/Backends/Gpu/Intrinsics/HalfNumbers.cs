using ILGPU;
using ILGPU.IR.Intrinsics;

namespace SLoRA.Backends.Gpu.Intrinsics;

/// <summary>16-bit numbers in words: one instruction on NVIDIA's devices, integer arithmetic elsewhere.</summary>
internal static class HalfNumbers
{
    /// <summary>
    /// What exponents differ by, 112. A half whose exponent is all ones has it all ones in fp32 too, one whose exponent is zero is a
    /// multiple of 2⁻²⁴.
    /// </summary>
    public const uint Rebias = 112u << 23;

    /// <summary>The half-precision number in the lower half of a word, as fp32; exact.</summary>
    [IntrinsicImplementation]
    public static float WidenHalf(uint word) => WidenHalfEmulated(word);

    /// <summary>The same by integer arithmetic.</summary>
    public static float WidenHalfEmulated(uint word)
    {
        uint bits = (word & 0x7FFFu) << 13;
        uint exponent = bits & 0x0F800000u;
        uint wide = bits + Rebias;
        if (exponent == 0x0F800000u)
        {
            wide += Rebias;
        }

        if (exponent == 0)
        {
            wide = Interop.FloatAsInt(Interop.IntAsFloat(wide + (1u << 23)) - Interop.IntAsFloat(Rebias + (1u << 23)));
        }

        return Interop.IntAsFloat(wide | ((word & 0x8000u) << 16));
    }
}
