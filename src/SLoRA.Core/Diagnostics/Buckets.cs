using System.Diagnostics.Metrics;

namespace SLoRA.Diagnostics;

/// <summary>Where the buckets of the histograms end, as the instruments advise their listeners.</summary>
internal static class Buckets
{
    /// <summary>Whole requests and their phases, in seconds: 0.01 · 2ⁿ.</summary>
    public static InstrumentAdvice<double> Request { get; } = new()
    {
        HistogramBucketBoundaries = [.. Enumerable.Range(0, 14).Select(i => 0.01 * (1 << i))],
    };

    /// <summary>First tokens, in seconds.</summary>
    public static InstrumentAdvice<double> FirstToken { get; } = new()
    {
        HistogramBucketBoundaries = [.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10],
    };

    /// <summary>Further tokens, in seconds.</summary>
    public static InstrumentAdvice<double> OutputToken { get; } = new()
    {
        HistogramBucketBoundaries = [.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5],
    };

    /// <summary>Steps and copies, in seconds.</summary>
    public static InstrumentAdvice<double> Step { get; } = new()
    {
        HistogramBucketBoundaries = [.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5],
    };

    /// <summary>Tokens and adapters of a step: powers of 2.</summary>
    public static InstrumentAdvice<int> Counts { get; } = new()
    {
        HistogramBucketBoundaries = [.. Enumerable.Range(0, 13).Select(i => 1 << i)],
    };
}
