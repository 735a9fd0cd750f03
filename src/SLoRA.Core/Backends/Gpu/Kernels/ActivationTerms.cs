using ILGPU;
using SLoRA.Backends.Gpu.Intrinsics;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// Eight fp32 numbers on their way to three terms each: bfloat16 numbers whose sum they are. A term is the upper half of what is left, 8 of
/// its 24 bits, and is taken away from it; neither rounds. (Below 2⁻¹¹⁰ the last bits fall under the smallest bfloat16.)
/// </summary>
internal struct ActivationTerms
{
    /// <summary>Terms of a number.</summary>
    public const int Count = 3;

    private float _0;
    private float _1;
    private float _2;
    private float _3;
    private float _4;
    private float _5;
    private float _6;
    private float _7;

    /// <summary>Eight numbers in a row, or zeros.</summary>
    public ActivationTerms(Floats4 first, Floats4 second, bool present)
    {
        _0 = present ? first.X : 0f;
        _1 = present ? first.Y : 0f;
        _2 = present ? first.Z : 0f;
        _3 = present ? first.W : 0f;
        _4 = present ? second.X : 0f;
        _5 = present ? second.Y : 0f;
        _6 = present ? second.Z : 0f;
        _7 = present ? second.W : 0f;
    }

    /// <summary>The next term of each.</summary>
    public Words4 Take() => new(Take(ref _0, ref _1), Take(ref _2, ref _3), Take(ref _4, ref _5), Take(ref _6, ref _7));

    private static uint Take(ref float even, ref float odd)
    {
        uint low = Interop.FloatAsInt(even) & 0xFFFF0000u;
        uint high = Interop.FloatAsInt(odd) & 0xFFFF0000u;
        even -= Interop.IntAsFloat(low);
        odd -= Interop.IntAsFloat(high);
        return (low >> 16) | high;
    }
}
