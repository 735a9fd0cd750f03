namespace SLoRA.Core.Tests.Sampling;

/// <summary>
/// The sampling rules as written, in double, by sorting everything: the specification that the fast stages are compared with.
/// </summary>
internal static class SpecifiedDistribution
{
    public static double[] Of(ReadOnlySpan<float> logits, int[] prompt, int[] generated, SamplingOptions options)
    {
        double[] l = new double[logits.Length];
        for (int i = 0; i < l.Length; i++)
        {
            l[i] = logits[i];
        }

        foreach (int token in prompt.Concat(generated).Distinct())
        {
            l[token] = l[token] > 0 ? l[token] / options.RepetitionPenalty : l[token] * options.RepetitionPenalty;
        }

        foreach (IGrouping<int, int> group in generated.GroupBy(token => token))
        {
            l[group.Key] -= (group.Count() * (double)options.FrequencyPenalty) + options.PresencePenalty;
        }

        foreach ((int token, float value) in options.LogitBias ?? new Dictionary<int, float>())
        {
            l[token] += value;
        }

        l = [.. l.Select(value => value / options.Temperature)];

        if (options.TopK > 0 && options.TopK < l.Length)
        {
            double least = l.OrderDescending().ElementAt(options.TopK - 1);
            l = [.. l.Select(value => value >= least ? value : double.NegativeInfinity)];
        }

        if (options.TopP < 1)
        {
            RemoveTail(l, 1 - (double)(decimal)options.TopP);
        }

        double[] p = Softmax(l);
        double bound = options.MinP * p.Max();
        return Softmax([.. l.Select((value, i) => p[i] < bound ? double.NegativeInfinity : value)]);
    }

    public static double[] Softmax(double[] logits)
    {
        double largest = logits.Max();
        double[] weights = [.. logits.Select(logit => Math.Exp(logit - largest))];
        double total = weights.Sum();
        return [.. weights.Select(weight => weight / total)];
    }

    // From the least likely up; of equal logits the highest id first, the last one never.
    private static void RemoveTail(double[] logits, double removable)
    {
        double[] p = Softmax(logits);
        int[] order = [.. Enumerable.Range(0, logits.Length).OrderBy(i => logits[i]).ThenByDescending(i => i)];
        double cumulative = 0;
        foreach (int i in order[..^1])
        {
            cumulative += p[i];
            if ((float)cumulative > (float)removable)
            {
                break;
            }

            logits[i] = double.NegativeInfinity;
        }
    }
}
