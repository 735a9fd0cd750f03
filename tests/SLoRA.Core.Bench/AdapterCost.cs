using System.Diagnostics;

namespace SLoRA.Core.Bench;

/// <summary>
/// What distinct adapters add to a step of decode rows. Steps with and without them alternate, and the best time of each operation counts,
/// as a whole step is seldom left alone by other programs.
/// </summary>
/// <param name="Without">Seconds of the step without adapters.</param>
/// <param name="With">Seconds with them.</param>
/// <param name="Bytes">Bytes of the adapters that the step reads.</param>
internal sealed record AdapterCost(double Without, double With, long Bytes)
{
    /// <summary>With / without.</summary>
    public double Ratio => With / Without;

    /// <summary>Measures for a time, at least five steps of each.</summary>
    public static AdapterCost Measure(Shape shape, BaseWeights weights, int threads, int context, int rank, TimeSpan time)
    {
        TimedBackend? timed = null;
        using var model = new StepModel(
            shape, weights, threads, context, StepModel.Sequences, rank, backend => timed = new TimedBackend(backend, shape, weights));
        List<OperatorCall>[] calls = [[], []];
        long first = Stopwatch.GetTimestamp();
        for (int i = 0; i < 12 || Stopwatch.GetElapsedTime(first) < time; i++)
        {
            int with = i & 1;
            model.Decode(StepModel.Sequences, context, with * StepModel.Sequences);
            timed!.Calls = calls[with];
            model.Decoder.Run(model.Plan);
        }

        return new AdapterCost(calls[0].Sum(call => call.Seconds), calls[1].Sum(call => call.Seconds), StepModel.Sequences
            * model.AdapterBytes);
    }
}
