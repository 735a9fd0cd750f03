using SLoRA.Evaluation.Runs;
using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;
using SLoRA.Formats;

namespace SLoRA.Evaluation.Tests.Systems;

/// <summary>Everything is fp32 here, so that merged weights are not rounded, and greedy answers are the same.</summary>
internal sealed class ServingSystemsTests
{
    private static readonly Trace Trace = new SyntheticTrace { Adapters = 5, Rate = 400, Seconds = 0.1 }.Draw().Shorter(24);

    private static readonly SystemSetup Setup = new()
    {
        Adapters = 5,
        Ranks = [16, 8, 4],
        PoolBytes = 6L << 20,
        WeightBytes = 1 << 20,
    };

    [Test]
    public void Every_system_gives_the_same_answers()
    {
        int[][] ours = Answers(SystemKind.Unified, Trace);

        Assert.Multiple(() =>
        {
            foreach (SystemKind kind in Enum.GetValues<SystemKind>())
            {
                Assert.That(Answers(kind, Trace), Is.EqualTo(ours), kind.ToString());
            }
        });
    }

    [Test]
    public void Answers_depend_on_the_adapter()
    {
        Trace other = Trace with { Requests = [.. Trace.Requests.Select(request => request with { Adapter = 4 - request.Adapter })] };

        Assert.That(Answers(SystemKind.Unified, other), Is.Not.EqualTo(Answers(SystemKind.Unified, Trace)));
    }

    [Test]
    public void Copies_that_do_not_fit_are_not_served()
    {
        using var source = new RealEngines(SmallShape.Value, TensorType.F32, 1);

        Assert.That(ServingSystems.Create(SystemKind.MergedCopies, Setup with { WeightBytes = 2 << 20 }, source), Is.Null);
    }

    private static int[][] Answers(SystemKind kind, Trace trace)
    {
        using var source = new RealEngines(SmallShape.Value, TensorType.F32, 1, CacheType.Float32);
        using IServingSystem system = ServingSystems.Create(kind, Setup, source)!;
        IReadOnlyList<Outcome> outcomes = OpenLoop.Run(system, trace, source.Clock);

        Assert.That(outcomes.Select(outcome => outcome.End), Is.All.Not.Null);
        return [.. Enumerable.Range(0, trace.Requests.Count).Select(number => system.AnswerOf(number).ToArray())];
    }
}
