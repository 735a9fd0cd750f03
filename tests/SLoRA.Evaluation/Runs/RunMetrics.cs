namespace SLoRA.Evaluation.Runs;

/// <summary>The metrics of S-LoRA's client (run_exp.py, slora/utils/metric.py), by its definitions.</summary>
internal sealed record RunMetrics
{
    /// <summary>Seconds at both ends that the stripped throughput leaves out, at the rate of arrivals.</summary>
    private const double StrippedSeconds = 10;

    /// <summary>Requests of the trace.</summary>
    public required int Requests { get; init; }

    /// <summary>Those that were answered.</summary>
    public required int Completed { get; init; }

    /// <summary>Those that were given up.</summary>
    public int Aborted => Requests - Completed;

    /// <summary>Completed requests per second, from the start of the trace to the last answer.</summary>
    public required double Throughput { get; init; }

    /// <summary>Output tokens of completed requests per second, over the same time.</summary>
    public required double TokenThroughput { get; init; }

    /// <summary>Throughput without both ends: (completed − 2·⌊10 R⌋) / (time − 20 s); null when nothing is left.</summary>
    public double? StrippedThroughput { get; init; }

    /// <summary>Mean seconds from sending to the last token, of those completed.</summary>
    public required double Latency { get; init; }

    /// <summary>Mean of latency / (prompt + output).</summary>
    public required double LatencyPerToken { get; init; }

    /// <summary>Mean of latency / output.</summary>
    public required double LatencyPerOutputToken { get; init; }

    /// <summary>Mean seconds from sending to the first token, of those completed.</summary>
    public required double FirstToken { get; init; }

    /// <summary>Its median.</summary>
    public required double FirstTokenMedian { get; init; }

    /// <summary>What 90 % stay below.</summary>
    public required double FirstToken90 { get; init; }

    /// <summary>What 99 % stay below.</summary>
    public required double FirstToken99 { get; init; }

    /// <summary>The share of all requests whose first token came within the target; one that was given up counts as missed.</summary>
    public required double Attainment { get; init; }

    /// <summary>Mean over all requests of 1 − (t/target)² for a first token after t &lt; target, else 0.</summary>
    public required double Satisfaction { get; init; }

    /// <summary>Evaluates a run.</summary>
    /// <param name="outcomes">Every request of the trace.</param>
    /// <param name="rate">Requests per second of the trace.</param>
    /// <param name="target">Seconds that a first token may take; 6 in the paper.</param>
    public static RunMetrics Of(IReadOnlyList<Outcome> outcomes, double rate, double target)
    {
        Outcome[] completed = [.. outcomes.Where(outcome => outcome.End is not null)];
        double[] first = [.. completed.Select(outcome => outcome.FirstTokenLatency!.Value).Order()];
        double time = completed.Length == 0 ? 0 : completed.Max(outcome => outcome.End!.Value);
        double stripped = completed.Length - (2 * (int)(StrippedSeconds * rate));
        return new RunMetrics
        {
            Requests = outcomes.Count,
            Completed = completed.Length,
            Throughput = time == 0 ? 0 : completed.Length / time,
            TokenThroughput = time == 0 ? 0 : completed.Sum(outcome => (double)outcome.Output) / time,
            StrippedThroughput =
                time > 2 * StrippedSeconds && stripped > 0 ? stripped / (time - (2 * StrippedSeconds)) : null,
            Latency = Mean(completed, outcome => outcome.Latency!.Value),
            LatencyPerToken = Mean(completed, outcome => outcome.Latency!.Value / (outcome.Prompt + outcome.Output)),
            LatencyPerOutputToken = Mean(completed, outcome => outcome.Latency!.Value / outcome.Output),
            FirstToken = first.Length == 0 ? 0 : first.Average(),
            FirstTokenMedian = Percentile(first, 0.5),
            FirstToken90 = Percentile(first, 0.9),
            FirstToken99 = Percentile(first, 0.99),
            Attainment = Mean(outcomes, outcome => outcome.FirstTokenLatency < target ? 1 : 0),
            Satisfaction = Mean(
                outcomes, outcome => outcome.FirstTokenLatency is { } t && t < target ? 1 - (t * t / (target * target)) : 0),
        };
    }

    /// <summary>A percentile of sorted numbers, between two of them by the straight line, as numpy has it; 0 of none.</summary>
    public static double Percentile(IReadOnlyList<double> sorted, double share)
    {
        if (sorted.Count == 0)
        {
            return 0;
        }

        double place = share * (sorted.Count - 1);
        int below = (int)place;
        return below == sorted.Count - 1
            ? sorted[below]
            : sorted[below] + ((place - below) * (sorted[below + 1] - sorted[below]));
    }

    private static double Mean(IReadOnlyCollection<Outcome> outcomes, Func<Outcome, double> value) =>
        outcomes.Count == 0 ? 0 : outcomes.Average(value);
}
