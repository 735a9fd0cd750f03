using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using NUnit.Framework;
using NUnit.Framework.Constraints;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>
/// The two families of results, in scalars: <c>a b + c</c> rounded once, and rounded twice. What the processor says decides which is
/// expected.
/// </summary>
internal static class ScalarSum
{
    /// <summary>Whether this process has the instruction.</summary>
    public static bool IsFused => Fma.IsSupported || AdvSimd.IsSupported;

    /// <summary>One step of a sum.</summary>
    public static float Add(float a, float b, float c)
    {
        if (IsFused)
        {
            return MathF.FusedMultiplyAdd(a, b, c);
        }

        float product = a * b;
        return product + c;
    }

    /// <summary>
    /// The bits of the Reference, which rounds once; where this process rounds twice, as near as sums of some hundred numbers below 1, or
    /// of some ten of the size of the largest sum, come.
    /// </summary>
    public static Constraint ReferenceBits(float[] expected) => IsFused
        ? Is.EqualTo(expected)
        : Is.EqualTo(expected).Within(1e-4f + (1e-6f * expected.Where(float.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max()));
}
