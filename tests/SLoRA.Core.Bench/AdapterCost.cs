using System.Diagnostics;

namespace SLoRA.Core.Bench;

/// <summary>What distinct adapters add to a step of decode rows; steps with and without them alternate, and the best of each counts.</summary>
/// <param name="Without">Seconds of the step without adapters.</param>
/// <param name="With">Seconds with them.</param>
/// <param name="Bytes">Bytes of the adapters that the step reads.</param>
internal sealed record AdapterCost(double Without, double With, long Bytes)
{
    /// <summary>With / without.</summary>
    public double Ratio => With / Without;

    /// <summary>Measures for a time, at least five steps of each.</summary>
    public static AdapterCost Measure(StepModel model, int context, int adapters, TimeSpan time)
    {
        double[] best = [double.MaxValue, double.MaxValue];
        long first = Stopwatch.GetTimestamp();
        for (int i = -2; i < 10 || Stopwatch.GetElapsedTime(first) < time; i++)
        {
            int with = i & 1;
            model.Decode(StepModel.Sequences, context, with * adapters);
            long start = Stopwatch.GetTimestamp();
            model.Decoder.Run(model.Plan);
            best[with] = i < 0 ? double.MaxValue : Math.Min(best[with], Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return new AdapterCost(best[0], best[1], Math.Min(adapters, StepModel.Sequences) * model.AdapterBytes);
    }
}
