using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using SLoRA.Models.Families;

namespace SLoRA.Core.Tests.Models;

/// <summary>
/// Each kind against the formula it is published with, written here in double and without the detours of the implementation.
/// </summary>
internal sealed class RopeFrequenciesTests
{
    // Of the plain frequency: where the blend takes most of it away, the rounding of the blend's own weight stays.
    private const double Bound = 2e-6;

    private static readonly Gen<(double Theta, int HeadDim)> Bases =
        from theta in Gen.Elements(2.0, 5000.0, 10000.0, 150000.0, 500000.0, 1e6)
        from half in Gen.Choose(1, 64)
        select (theta, 2 * half);

    [SeededProperty]
    public Property Default_is_a_geometric_row() => Prop.ForAll(Bases.ToArbitrary(), given =>
        Close(given, RopeFrequencies.Default(given.Theta, given.HeadDim), i => Plain(given.Theta, given.HeadDim, i)));

    [SeededProperty]
    public Property Linear_divides_by_the_factor() => Prop.ForAll(Bases.ToArbitrary(), Gen.Choose(1, 64).ToArbitrary(), (given, quarters) =>
        Close(given, RopeFrequencies.Linear(given.Theta, given.HeadDim, quarters / 4.0),
            i => Plain(given.Theta, given.HeadDim, i) / (quarters / 4.0)));

    [SeededProperty]
    public Property Llama3_blends_by_the_turns_within_the_original_length() => Prop.ForAll(
        Bases.ToArbitrary(), Gen.Elements(64, 512, 8192).ToArbitrary(), Gen.Choose(2, 32).ToArbitrary(), (given, length, factor) =>
        {
            const double Low = 1, High = 4;
            return Close(given, RopeFrequencies.Llama3(given.Theta, given.HeadDim, factor, Low, High, length), i =>
            {
                double plain = Plain(given.Theta, given.HeadDim, i);
                double turns = length * plain / (2 * Math.PI);
                // 0 below Low turns, 1 above High turns, linear between: the blend is continuous, so the two ends need no case of their
                // own.
                double kept = Math.Clamp((turns - Low) / (High - Low), 0, 1);
                return plain * (kept + ((1 - kept) / factor));
            });
        });

    [SeededProperty]
    public Property Yarn_ramps_between_the_fast_and_the_slow_dimensions() => Prop.ForAll(
        Bases.ToArbitrary(), Gen.Elements(64, 4096, 32768).ToArbitrary(), Gen.Choose(2, 32).Zip(Gen.Elements(true, false)).ToArbitrary(),
        (given, length, stretch) =>
        {
            (int factor, bool truncate) = stretch;
            const double Fast = 32, Slow = 1;
            double start = Dimension(Fast), end = Dimension(Slow);
            if (truncate)
            {
                (start, end) = (Math.Floor(start), Math.Ceiling(end));
            }

            (start, end) = (Math.Max(start, 0), Math.Min(end, given.HeadDim - 1));
            if (start == end)
            {
                end += 0.001;
            }

            return Close(given, RopeFrequencies.Yarn(given.Theta, given.HeadDim, factor, Fast, Slow, length, truncate), i =>
            {
                double slow = Math.Clamp((i - start) / (end - start), 0, 1);
                double plain = Plain(given.Theta, given.HeadDim, i);
                return (plain * (1 - slow)) + (plain / factor * slow);
            });

            double Dimension(double turns) => given.HeadDim * Math.Log(length / (2 * Math.PI * turns)) / (2 * Math.Log(given.Theta));
        });

    [Test]
    public void Yarn_turns_fast_dimensions_as_before_and_slow_ones_by_the_factor_less()
    {
        var plain = RopeFrequencies.Default(10000, 128);
        var yarn = RopeFrequencies.Yarn(10000, 128, 4, 32, 1, 4096, truncate: true);
        Assert.That(yarn[0], Is.EqualTo(plain[0]));
        Assert.That(yarn[^1], Is.EqualTo(plain[^1] / 4).Within(1e-12));
    }

    [TestCase(1.0, 1.0, 1.0)]
    [TestCase(0.5, 1.0, 1.0)]
    [TestCase(4.0, 1.0, 1.1386294361)]
    [TestCase(40.0, 0.707, 1.2608037)]
    public void Yarn_magnitude_grows_with_the_logarithm_of_the_stretch(double factor, double k, double expected)
    {
        Assert.That(RopeFrequencies.YarnMagnitude(factor, k), Is.EqualTo(expected).Within(1e-6));
    }

    private static double Plain(double theta, int headDim, int i) => Math.Pow(theta, -2.0 * i / headDim);

    private static bool Close((double Theta, int HeadDim) given, IReadOnlyList<float> actual, Func<int, double> expected)
    {
        for (int i = 0; i < actual.Count; i++)
        {
            if (!(Math.Abs(actual[i] - expected(i)) < Bound * Plain(given.Theta, given.HeadDim, i)))
            {
                throw new AssertionException($"Pair {i} of {actual.Count}: {actual[i]:R}, expected {expected(i):R}");
            }
        }

        return actual.Count == given.HeadDim / 2;
    }
}
