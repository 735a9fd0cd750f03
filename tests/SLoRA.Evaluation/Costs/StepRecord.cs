using System.Globalization;
using SLoRA.Planning;

namespace SLoRA.Evaluation.Costs;

/// <summary>Measured steps on disk, a line each, so that costs can be fitted again without measuring again.</summary>
internal static class StepRecord
{
    private const string Header = "rows,outputs,context,adapters,rank rows,rank work,bytes paged in,microseconds";

    /// <summary>Writes steps.</summary>
    public static void Write(string file, IEnumerable<MeasuredStep> steps) =>
        File.WriteAllLines(file, steps.Select(Line).Prepend(Header));

    /// <summary>Reads them.</summary>
    public static IReadOnlyList<MeasuredStep> Read(string file) => [.. File.ReadLines(file).Skip(1).Select(Step)];

    private static string Line(MeasuredStep step) => string.Create(
        CultureInfo.InvariantCulture,
        $"{step.Load.Rows},{step.Load.Outputs},{step.Load.Context},{step.Load.Adapters},{step.Load.RankRows},{step.Load.RankWork},"
        + $"{step.PageInBytes},{1e6 * step.Seconds:F0}");

    private static MeasuredStep Step(string line)
    {
        double[] numbers = [.. line.Split(',').Select(number => double.Parse(number, CultureInfo.InvariantCulture))];
        return new MeasuredStep(
            new StepLoad(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]), (long)numbers[6], 1e-6 * numbers[7]);
    }
}
