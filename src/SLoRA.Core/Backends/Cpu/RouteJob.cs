using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>Every row chooses its experts by its logits; see <see cref="Routing"/>.</summary>
internal sealed unsafe class RouteJob(int workers) : RowJob(workers)
{
    // An exponential for each expert, and each expert looked at for each choice.
    private const int ScoreWork = 8;

    private CpuRows _logits = null!;
    private Routing _routing = null!;
    private CpuVector? _correction;
    private CpuVector? _factors;
    private CpuRoutes _routes = null!;

    /// <summary>Sets the next choice and says in how many parts it comes.</summary>
    public int Prepare(CpuRows logits, Routing routing, CpuVector? correction, CpuVector? factors, CpuRoutes routes, int rows)
    {
        _logits = logits;
        _routing = routing;
        _correction = correction;
        _factors = factors;
        _routes = routes;
        return Prepare(rows, routing.Experts * (ScoreWork + routing.Chosen));
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        int count = _routing.Experts;
        float* scores = stackalloc float[Routing.MostExperts];
        float* choices = stackalloc float[Routing.MostExperts];
        Score(_logits.Row(row), scores, count);
        for (int e = 0; e < count; e++)
        {
            choices[e] = _correction is null ? scores[e] : scores[e] + _correction.Data[e];
        }

        if (_routing.ChosenGroups < _routing.Groups)
        {
            LeaveGroupsOut(choices, count);
        }

        int first = row * _routing.Chosen;
        Span<int> experts = _routes.Expert.Slice(first, _routing.Chosen);
        Span<float> weights = _routes.Weight.Slice(first, _routing.Chosen);
        for (int i = 0; i < experts.Length; i++)
        {
            int best = 0;
            for (int e = 1; e < count; e++)
            {
                best = choices[e] > choices[best] ? e : best;
            }

            experts[i] = best;
            weights[i] = scores[best];
            choices[best] = float.NegativeInfinity;
        }

        Weigh(weights);
        for (int i = 0; _factors is not null && i < experts.Length; i++)
        {
            weights[i] *= _factors.Data[experts[i]];
        }
    }

    private void Score(float* logits, float* scores, int count)
    {
        switch (_routing.Score)
        {
            case RouterScore.Softmax:
                Softmax(new ReadOnlySpan<float>(logits, count), new Span<float>(scores, count));
                break;
            case RouterScore.Sigmoid:
                for (int e = 0; e < count; e++)
                {
                    scores[e] = 1 / (1 + MathF.Exp(-logits[e]));
                }

                break;
            default:
                new ReadOnlySpan<float>(logits, count).CopyTo(new Span<float>(scores, count));
                break;
        }
    }

    /// <summary>Keeps the groups with the largest sums of their two best, of equal ones the first.</summary>
    private void LeaveGroupsOut(float* choices, int count)
    {
        int groups = _routing.Groups;
        int width = count / groups;
        float* sums = stackalloc float[Routing.MostExperts];
        for (int group = 0; group < groups; group++)
        {
            float best = float.NegativeInfinity;
            float second = float.NegativeInfinity;
            for (int e = group * width; e < (group + 1) * width; e++)
            {
                if (choices[e] > best)
                {
                    second = best;
                    best = choices[e];
                }
                else
                {
                    second = MathF.Max(second, choices[e]);
                }
            }

            sums[group] = width > 1 ? best + second : best;
        }

        for (int group = 0; group < groups; group++)
        {
            int better = 0;
            for (int other = 0; other < groups; other++)
            {
                better += sums[other] > sums[group] || (sums[other] == sums[group] && other < group) ? 1 : 0;
            }

            if (better >= _routing.ChosenGroups)
            {
                new Span<float>(choices + (group * width), width).Fill(float.NegativeInfinity);
            }
        }
    }

    private void Weigh(Span<float> weights)
    {
        if (_routing.Score == RouterScore.SoftmaxOfChosen)
        {
            Softmax(weights, weights);
        }

        float divisor = 1;
        if (_routing.Normalise)
        {
            float sum = 0;
            foreach (float weight in weights)
            {
                sum += weight;
            }

            divisor = MathF.Max(sum, _routing.SumFloor) + _routing.SumOffset;
        }

        foreach (ref float weight in weights)
        {
            weight = weight / divisor * _routing.Scale;
        }
    }

    private static void Softmax(ReadOnlySpan<float> x, Span<float> y)
    {
        float largest = float.NegativeInfinity;
        foreach (float value in x)
        {
            largest = MathF.Max(largest, value);
        }

        float sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = MathF.Exp(x[i] - largest);
            sum += y[i];
        }

        for (int i = 0; i < y.Length; i++)
        {
            y[i] /= sum;
        }
    }
}
