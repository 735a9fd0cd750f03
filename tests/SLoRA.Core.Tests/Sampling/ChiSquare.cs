namespace SLoRA.Core.Tests.Sampling;

/// <summary>Pearson's test of counts against probabilities.</summary>
internal static class ChiSquare
{
    /// <summary>
    /// By how many standard deviations the statistic exceeds its expectation, by the Wilson–Hilferty approximation: above 4.5 happens to a
    /// true distribution about once in 300,000 times. Tokens expected fewer than five times are counted together.
    /// </summary>
    public static double Deviation(int[] counts, double[] probabilities)
    {
        double draws = counts.Sum();
        double statistic = 0, restExpected = 0, restCount = 0;
        int cells = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            double expected = probabilities[i] * draws;
            if (expected < 5)
            {
                restExpected += expected;
                restCount += counts[i];
                continue;
            }

            statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
            cells++;
        }

        if (restExpected >= 5)
        {
            statistic += (restCount - restExpected) * (restCount - restExpected) / restExpected;
            cells++;
        }

        double freedom = cells - 1;
        if (freedom < 1)
        {
            return 0;
        }

        double scale = 2 / (9 * freedom);
        return (Math.Cbrt(statistic / freedom) - (1 - scale)) / Math.Sqrt(scale);
    }
}
