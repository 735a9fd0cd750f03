namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>Bounds of rounding errors in fp32.</summary>
internal static class Rounding
{
    /// <summary>The unit roundoff, u.</summary>
    public const double Unit = 1.0 / (1 << 24);

    /// <summary>
    /// Relative error of an exponential of an argument that is itself rounded: ex2.approx is exact to 2⁻²², its argument x · log₂e has
    /// three roundings. OpenCL's own promise, 3 ulp, is less.
    /// </summary>
    public static double Exponential(double largestArgument) => Math.Pow(2, -21) + (4 * Unit * largestArgument);

    /// <summary>
    /// γ(n) = n u / (1 − n u): what n operations one after another change the result by at most, relative to the sum of the magnitudes of
    /// its terms (Higham, Accuracy and Stability of Numerical Algorithms, lemma 3.1), in whatever order, with or without fused
    /// multiply-add.
    /// </summary>
    public static double Gamma(int operations) => operations * Unit / (1 - (operations * Unit));
}
