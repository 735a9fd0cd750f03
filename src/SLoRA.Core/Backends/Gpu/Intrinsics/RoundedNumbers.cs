using ILGPU.IR.Intrinsics;

namespace SLoRA.Backends.Gpu.Intrinsics;

/// <summary>Arithmetic that compilers leave as it is.</summary>
internal static class RoundedNumbers
{
    /// <summary>
    /// A product that is rounded, whatever is done with it next: compilers make one operation of a product and a sum in one kernel and two
    /// in another, which then differ in their bits.
    /// </summary>
    [IntrinsicImplementation]
    public static float Product(float a, float b) => ProductEmulated(a, b);

    /// <summary>The same; what OpenCL makes of one kernel it makes of all.</summary>
    public static float ProductEmulated(float a, float b) => a * b;
}
