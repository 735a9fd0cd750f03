using SLoRA.Planning;

namespace SLoRA.Evaluation.Costs;

/// <summary>
/// Finds the cost of steps that explains measured ones best: least squares with no negative cost, over the absolute error, so that all
/// steps together take what they took.
/// </summary>
internal static class StepFit
{
    private const int Unknowns = 8;
    private const int Rounds = 2000;

    /// <summary>Fits.</summary>
    public static StepCost Of(IReadOnlyCollection<MeasuredStep> steps)
    {
        double[] scale = new double[Unknowns];
        double[][] rows = [.. steps.Select(step => Row(step))];
        for (int i = 0; i < Unknowns; i++)
        {
            scale[i] = Math.Sqrt(rows.Sum(row => row[i] * row[i]));
            scale[i] = scale[i] == 0 ? 1 : scale[i];
        }

        var products = new double[Unknowns, Unknowns];
        var targets = new double[Unknowns];
        int place = 0;
        foreach (MeasuredStep step in steps)
        {
            double[] row = rows[place++];
            for (int i = 0; i < Unknowns; i++)
            {
                targets[i] += row[i] / scale[i] * step.Seconds;
                for (int j = 0; j < Unknowns; j++)
                {
                    products[i, j] += row[i] / scale[i] * (row[j] / scale[j]);
                }
            }
        }

        double[] solution = Solve(products, targets);
        double Cost(int i) => solution[i] / scale[i];
        return new StepCost
        {
            Step = Cost(0),
            Row = Cost(1),
            Output = Cost(2),
            Context = Cost(3),
            Adapter = Cost(4),
            RankRow = Cost(5),
            RankWork = Cost(6),
            PageInByte = Cost(7),
        };
    }

    /// <summary>Seconds of a step by a cost, with what was copied before it.</summary>
    public static double Predict(StepCost cost, MeasuredStep step) => cost.Seconds(step.Load) + (cost.PageInByte * step.PageInBytes);

    private static double[] Row(MeasuredStep step) =>
    [
        step.Load.Rows > 0 ? 1 : 0, step.Load.Rows, step.Load.Outputs, step.Load.Context, step.Load.Adapters, step.Load.RankRows,
        step.Load.RankWork, step.PageInBytes,
    ];

    /// <summary>
    /// Coordinate descent on the normal equations, each coordinate kept at zero or above: convex, so it ends at the least.
    /// </summary>
    private static double[] Solve(double[,] products, double[] targets)
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
