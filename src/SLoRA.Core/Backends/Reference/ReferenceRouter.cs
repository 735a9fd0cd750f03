using SLoRA.Step;

namespace SLoRA.Backends.Reference;

/// <summary>What the rows of a step have chosen.</summary>
internal sealed class ReferenceRoutes(int experts, int chosen, int rowLimit) : DeviceRoutes(experts, chosen)
{
    /// <summary>The expert of choice i of row t at <c>t · k + i</c>, the best first.</summary>
    public int[] Expert { get; } = new int[rowLimit * chosen];

    /// <summary>The weight of the same choice.</summary>
    public float[] Weight { get; } = new float[rowLimit * chosen];

    /// <summary>The choice of each routed row.</summary>
    public int[] ChoiceOf { get; } = new int[rowLimit * chosen];

    /// <summary>The routed row of each choice.</summary>
    public int[] RowOf { get; } = new int[rowLimit * chosen];

    /// <summary>Puts the choices of so many rows in the order of the experts; those of one expert stay in the order of the rows.</summary>
    public void Group(int rows)
    {
        int next = 0;
        for (int expert = 0; expert < Experts; expert++)
        {
            for (int choice = 0; choice < rows * Chosen; choice++)
            {
                if (Expert[choice] == expert)
                {
                    ChoiceOf[next] = choice;
                    RowOf[choice] = next++;
                }
            }
        }
    }
}

/// <summary>How one row chooses its experts.</summary>
internal static class ReferenceRouter
{
    /// <summary>Chooses.</summary>
    /// <param name="logits">The row's logits <c>[E]</c>.</param>
    /// <param name="routing">The rule.</param>
    /// <param name="correction">What is added to scores for the choice alone, or null.</param>
    /// <param name="experts">Filled with the chosen experts <c>[k]</c>, the best first.</param>
    /// <param name="weights">Filled with their weights <c>[k]</c>.</param>
    public static void Choose(ReadOnlySpan<float> logits, Routing routing, float[]? correction, Span<int> experts, Span<float> weights)
    {
        float[] scores = Scores(logits, routing.Score);
        var choices = new float[scores.Length];
        for (int e = 0; e < scores.Length; e++)
        {
            choices[e] = correction is null ? scores[e] : scores[e] + correction[e];
        }

        LeaveGroupsOut(choices, routing);
        for (int i = 0; i < experts.Length; i++)
        {
            experts[i] = Best(choices);
            weights[i] = scores[experts[i]];
            choices[experts[i]] = float.NegativeInfinity;
        }

        Weigh(weights, routing);
    }

    private static float[] Scores(ReadOnlySpan<float> logits, RouterScore score)
    {
        var scores = new float[logits.Length];
        switch (score)
        {
            case RouterScore.Softmax:
                Softmax(logits, scores);
                break;
            case RouterScore.Sigmoid:
                for (int e = 0; e < scores.Length; e++)
                {
                    scores[e] = 1 / (1 + MathF.Exp(-logits[e]));
                }

                break;
            default:
                logits.CopyTo(scores);
                break;
        }

        return scores;
    }

    private static void LeaveGroupsOut(float[] choices, Routing routing)
    {
        if (routing.ChosenGroups >= routing.Groups)
        {
            return;
        }

        int width = choices.Length / routing.Groups;
        var sums = new float[routing.Groups];
        for (int group = 0; group < sums.Length; group++)
        {
            float best = float.NegativeInfinity, second = float.NegativeInfinity;
            foreach (float choice in choices.AsSpan(group * width, width))
            {
                (best, second) = choice > best ? (choice, best) : (best, MathF.Max(second, choice));
            }

            sums[group] = width > 1 ? best + second : best;
        }

        for (int left = routing.Groups; left > routing.ChosenGroups; left--)
        {
            int worst = Worst(sums);
            sums[worst] = float.PositiveInfinity;
            choices.AsSpan(worst * width, width).Fill(float.NegativeInfinity);
        }
    }

    private static void Weigh(Span<float> weights, Routing routing)
    {
        if (routing.Score == RouterScore.SoftmaxOfChosen)
        {
            Softmax(weights, weights);
        }

        float divisor = 1;
        if (routing.Normalise)
        {
            float sum = 0;
            foreach (float weight in weights)
            {
                sum += weight;
            }

            divisor = MathF.Max(sum, routing.SumFloor) + routing.SumOffset;
        }

        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = weights[i] / divisor * routing.Scale;
        }
    }

    private static void Softmax(ReadOnlySpan<float> x, Span<float> y)
    {
        float largest = float.NegativeInfinity, sum = 0;
        foreach (float value in x)
        {
            largest = MathF.Max(largest, value);
        }

        for (int i = 0; i < x.Length; i++)
        {
            y[i] = MathF.Exp(x[i] - largest);
            sum += y[i];
        }

        for (int i = 0; i < x.Length; i++)
        {
            y[i] /= sum;
        }
    }

    /// <summary>The first of the largest.</summary>
    private static int Best(float[] values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
        {
            best = values[i] > values[best] ? i : best;
        }

        return best;
    }

    /// <summary>The last of the smallest: of equal groups the first are kept.</summary>
    private static int Worst(float[] values)
    {
        int worst = 0;
        for (int i = 1; i < values.Length; i++)
        {
            worst = values[i] <= values[worst] ? i : worst;
        }

        return worst;
    }
}
