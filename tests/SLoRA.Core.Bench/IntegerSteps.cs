using System.Diagnostics;
using System.Globalization;

namespace SLoRA.Core.Bench;

/// <summary>Steps of one row with our own weights of 4 bits beside those with our own of 8, in turns.</summary>
internal static class IntegerSteps
{
    private const int Context = 160;

    /// <summary>Measures rows per second of both; the best step of each counts.</summary>
    /// <param name="shape">The decoder.</param>
    /// <param name="precision">How products are computed.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="time">How long.</param>
    /// <param name="limits">The machine.</param>
    /// <param name="read">Measures what memory gives now, in bytes per second.</param>
    public static IReadOnlyList<Goal> Measure(
        Shape shape, CpuPrecision precision, int threads, TimeSpan time, MachineLimits limits, Func<double> read)
    {
        const double Wanted = 1.6;
        BaseWeights four = BaseWeights.Int4.With(precision), eight = BaseWeights.Int8.With(precision);
        double before = read();
        using StepModel ofFour = Make(four), ofEight = Make(eight);
        double secondsOfFour = double.MaxValue, secondsOfEight = double.MaxValue;
        long first = Stopwatch.GetTimestamp();
        for (int i = 0; i < 5 || Stopwatch.GetElapsedTime(first) < time; i++)
        {
            secondsOfFour = Math.Min(secondsOfFour, Step(ofFour));
            secondsOfEight = Math.Min(secondsOfEight, Step(ofEight));
        }

        limits = limits with { Bytes = Math.Max(before, read()) };
        double limit = 1 / new CountedWork(shape, four).Seconds(limits, 1, 1, 1, Context, []);
        double ratio = secondsOfEight / secondsOfFour;
        return
        [
            new Goal(
                $"{shape.Name}, step of one row, {four.Name} beside {eight.Name}", "tokens/s", 1 / secondsOfFour, 1 / secondsOfEight, ratio,
                string.Create(CultureInfo.InvariantCulture, $"≥ {Wanted:F1}"), limit, 1 / secondsOfFour / limit, ratio >= Wanted),
        ];

        StepModel Make(BaseWeights weights) => new(shape, weights, threads, Context, 0, 16);
    }

    private static double Step(StepModel model)
    {
        model.Decode(1, Context, 0);
        long start = Stopwatch.GetTimestamp();
        model.Decoder.Run(model.Plan);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
