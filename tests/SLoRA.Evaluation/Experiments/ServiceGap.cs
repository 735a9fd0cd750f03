using SLoRA.Evaluation.Runs;

namespace SLoRA.Evaluation.Experiments;

/// <summary>
/// How unequally two clients were served while requests of both waited: the largest difference that their service grew apart by within one
/// such span. Service is 1 for a token of a prompt, when its answer begins, and <see cref="OutputPrice"/> for a token of an answer.
/// </summary>
internal static class ServiceGap
{
    /// <summary>What a token of an answer counts.</summary>
    public const double OutputPrice = 2;

    /// <summary>The largest gap of any two clients, looked at every second.</summary>
    public static double Of(IReadOnlyList<Outcome> outcomes)
    {
        int[] clients = [.. outcomes.Select(outcome => outcome.Client).Distinct()];
        double last = outcomes.Max(outcome => outcome.End ?? outcome.Arrival);
        var spans = new Dictionary<(int, int), (double Least, double Most)>();
        double gap = 0;
        for (double now = 0; now <= last; now++)
        {
            double[] service = [.. clients.Select(client => ServiceOf(outcomes, client, now))];
            bool[] waits = [.. clients.Select(client => Waits(outcomes, client, now))];
            for (int a = 0; a < clients.Length; a++)
            {
                for (int b = a + 1; b < clients.Length; b++)
                {
                    if (!waits[a] || !waits[b])
                    {
                        spans.Remove((a, b));
                        continue;
                    }

                    double difference = service[a] - service[b];
                    (double least, double most) = spans.GetValueOrDefault((a, b), (difference, difference));
                    (least, most) = (Math.Min(least, difference), Math.Max(most, difference));
                    spans[(a, b)] = (least, most);
                    gap = Math.Max(gap, most - least);
                }
            }
        }

        return gap;
    }

    private static bool Waits(IReadOnlyList<Outcome> outcomes, int client, double now) => outcomes.Any(
        outcome => outcome.Client == client && outcome.Arrival <= now && (outcome.FirstToken ?? double.MaxValue) > now);

    /// <summary>What a client has been given; the tokens of an answer come evenly.</summary>
    private static double ServiceOf(IReadOnlyList<Outcome> outcomes, int client, double now)
    {
        double service = 0;
        foreach (Outcome outcome in outcomes)
        {
            if (outcome.Client == client && outcome is { FirstToken: { } first, End: { } end } && first <= now)
            {
                double share = end > first ? Math.Min(1, (now - first) / (end - first)) : 1;
                service += outcome.Prompt + (OutputPrice * (1 + (share * (outcome.Output - 1))));
            }
        }

        return service;
    }
}
