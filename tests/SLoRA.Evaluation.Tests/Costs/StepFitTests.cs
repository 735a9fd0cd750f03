using SLoRA.Evaluation.Costs;
using SLoRA.Planning;

namespace SLoRA.Evaluation.Tests.Costs;

internal sealed class StepFitTests
{
    private static readonly StepCost Cost = new()
    {
        Step = 5e-3,
        Row = 1e-3,
        Output = 2e-4,
        Context = 1e-6,
        Adapter = 1e-4,
        RankRow = 8e-6,
        RankWork = 5e-6,
        PageInByte = 2e-10,
    };

    [Test]
    public void Costs_are_found_that_steps_were_made_of()
    {
        StepCost found = StepFit.Of(Steps(_ => 1));

        Assert.Multiple(() =>
        {
            Assert.That(found.Step, Is.EqualTo(Cost.Step).Within(1).Percent);
            Assert.That(found.Row, Is.EqualTo(Cost.Row).Within(1).Percent);
            Assert.That(found.Output, Is.EqualTo(Cost.Output).Within(2).Percent);
            Assert.That(found.Context, Is.EqualTo(Cost.Context).Within(1).Percent);
            Assert.That(found.RankRow, Is.EqualTo(Cost.RankRow).Within(2).Percent);
            Assert.That(found.PageInByte, Is.EqualTo(Cost.PageInByte).Within(1).Percent);
        });
    }

    [Test]
    public void All_steps_together_take_what_they_took_however_noisy()
    {
        var random = new Random(1);
        MeasuredStep[] steps = Steps(_ => 0.7 + (0.6 * random.NextDouble()));

        double predicted = steps.Sum(step => StepFit.Predict(StepFit.Of(steps), step));

        Assert.That(predicted, Is.EqualTo(steps.Sum(step => step.Seconds)).Within(0.5).Percent);
    }

    [Test]
    public void A_slower_machine_takes_so_many_times_as_long()
    {
        StepCost slower = StepFit.Times(Cost, 1.5);

        foreach (MeasuredStep step in Steps(_ => 1))
        {
            Assert.That(StepFit.Predict(slower, step), Is.EqualTo(1.5 * StepFit.Predict(Cost, step)).Within(1e-9).Percent);
        }
    }

    [Test]
    public void No_cost_is_negative()
    {
        // Steps with more context that take less time.
        MeasuredStep[] steps =
        [
            .. Enumerable.Range(1, 50).Select(i => new MeasuredStep(new StepLoad(i, 1, 1000.0 / i, 0, 0, 0), 0, 1e-3 * i)),
        ];

        StepCost found = StepFit.Of(steps);

        Assert.That(
            new[] { found.Step, found.Row, found.Output, found.Context, found.Adapter, found.RankRow, found.RankWork },
            Is.All.GreaterThanOrEqualTo(0));
    }

    private static MeasuredStep[] Steps(Func<int, double> noise)
    {
        var random = new Random(7);
        return
        [
            .. Enumerable.Range(0, 400).Select(i =>
            {
                int outputs = random.Next(1, 40);
                int rows = outputs + random.Next(0, 200);
                int adapters = random.Next(0, Math.Min(outputs, 20));
                int ranks = adapters * random.Next(8, 65);
                var load = new StepLoad(rows, outputs, rows * random.Next(10, 500), adapters, ranks, rows * random.Next(0, 65));
                var step = new MeasuredStep(load, random.Next(0, 4 << 20), 0);
                return step with { Seconds = noise(i) * StepFit.Predict(Cost, step) };
            }),
        ];
    }
}
