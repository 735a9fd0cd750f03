using SLoRA.Planning;

namespace SLoRA.Evaluation.Costs;

/// <summary>
/// Finds the cost of steps that explains measured ones best: least squares with no negative cost, where a step that takes longer may be
/// missed by more (the variance is as the time), so that short steps and long ones count alike and all together take what they took.
/// </summary>
internal static class StepFit
{
    private const int Unknowns = 8;
    private const int Rounds = 2000;
    private const int Weightings = 6;

    /// <summary>Fits.</summary>
    public static StepCost Of(IReadOnlyCollection<MeasuredStep> steps)
    {
        double[] seconds = [.. steps.Select(step => step.Seconds)];
        double[][] rows = [.. steps.Select(Row)];
        double[] weights = [.. seconds.Select(_ => 1.0)];
        double[] cost = [];
        for (int i = 0; i < Weightings; i++)
        {
            cost = Solve(rows, seconds, weights);

            // A step that is thought to take no time at all would count without bound.
            double least = seconds.Average() / 100;
            for (int j = 0; j < rows.Length; j++)
            {
                weights[j] = 1 / Math.Max(least, Dot(rows[j], cost));
            }
        }

        return new StepCost
        {
            Step = cost[0],
            Row = cost[1],
            Output = cost[2],
            Context = cost[3],
            Adapter = cost[4],
            RankRow = cost[5],
            RankWork = cost[6],
            PageInByte = cost[7],
        };
    }

    /// <summary>The cost on a machine that takes so many times as long.</summary>
    public static StepCost Times(StepCost cost, double factor) => new()
    {
        Step = factor * cost.Step,
        Row = factor * cost.Row,
        Output = factor * cost.Output,
        Context = factor * cost.Context,
        Adapter = factor * cost.Adapter,
        RankRow = factor * cost.RankRow,
        RankWork = factor * cost.RankWork,
        PageInByte = factor * cost.PageInByte,
    };

    /// <summary>Seconds of a step by a cost, with what was copied before it.</summary>
    public static double Predict(StepCost cost, MeasuredStep step) => cost.Seconds(step.Load) + (cost.PageInByte * step.PageInBytes);

    private static double[] Row(MeasuredStep step) =>
    [
        step.Load.Rows > 0 ? 1 : 0, step.Load.Rows, step.Load.Outputs, step.Load.Context, step.Load.Adapters, step.Load.RankRows,
        step.Load.RankWork, step.PageInBytes,
    ];

    private static double Dot(double[] a, double[] b) => a.Zip(b).Sum(pair => pair.First * pair.Second);

    /// <summary>Weighted least squares, by its normal equations in units in which all columns are alike.</summary>
    private static double[] Solve(double[][] rows, double[] seconds, double[] weights)
    {
        var scale = new double[Unknowns];
        var products = new double[Unknowns, Unknowns];
        var targets = new double[Unknowns];
        for (int i = 0; i < Unknowns; i++)
        {
            scale[i] = Math.Sqrt(rows.Select((row, step) => weights[step] * row[i] * row[i]).Sum());
            scale[i] = scale[i] == 0 ? 1 : scale[i];
        }

        for (int step = 0; step < rows.Length; step++)
        {
            double[] row = rows[step];
            for (int i = 0; i < Unknowns; i++)
            {
                double weighted = weights[step] * row[i] / scale[i];
                targets[i] += weighted * seconds[step];
                for (int j = 0; j < Unknowns; j++)
                {
                    products[i, j] += weighted * row[j] / scale[j];
                }
            }
        }

        double[] solution = Descend(products, targets);
        return [.. solution.Zip(scale, (value, unit) => value / unit)];
    }

    /// <summary>
    /// Coordinate descent on the normal equations, each coordinate kept at zero or above: convex, so it ends at the least.
    /// </summary>
    private static double[] Descend(double[,] products, double[] targets)
    {
        var solution = new double[Unknowns];
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < Unknowns; i++)
            {
                double rest = targets[i];
                for (int j = 0; j < Unknowns; j++)
                {
                    rest -= j == i ? 0 : products[i, j] * solution[j];
                }

                solution[i] = products[i, i] <= 0 ? 0 : Math.Max(0, rest / products[i, i]);
            }
        }

        return solution;
    }
}
