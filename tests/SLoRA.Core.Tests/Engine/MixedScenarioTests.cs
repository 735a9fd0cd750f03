using NUnit.Framework;
using SLoRA.Core.Tests.Engine.Histories;

namespace SLoRA.Core.Tests.Engine;

/// <summary>What mixes in one step, and what comes back from main memory, changes no bit.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class MixedScenarioTests
{
    /// <summary>
    /// Ranks 64, 16, 8, 7, 6 and 1, on all modules or few of them, one with a rank for each pattern, and one that misses layers.
    /// </summary>
    private static readonly string?[] Tenants =
        [null, "wide", "all-linear", "qv", "alpha-fraction", "rslora", "r1", "patterns", "layers-list"];

    private static readonly GenerationRequest Question = new()
    {
        Prompt = Enumerable.Range(7, 20).ToArray(),
        MaxTokens = 60,
        IgnoreEndOfText = true,
        LogProbabilities = new LogProbabilityOptions(),
    };

    [TestCase(false)]
    [TestCase(true)]
    public void Scenario_19_ranks_and_lengths_mixed_in_one_step_give_the_bits_of_each_alone(bool onReference)
    {
        GenerationRequest[] requests =
        [
            .. Tenants.Select(
                (adapter, i) => Question with { Adapter = adapter, MaxTokens = 20, Prompt = Prompt(i % 3 == 0 ? 1 : 17 * (i + 1)) }),
        ];
        using var engine = Engine(onReference, rows: 64);
        Answer[] decoding = [.. requests[..5].Select(request => engine.Ask(request))];
        for (int i = 0; i < 6; i++)
        {
            engine.Loop.Step();
        }

        // Prompts of the others come beside those that decode.
        Answer[] answers = [.. decoding, .. requests[5..].Select(request => engine.Ask(request))];
        int most = 0;
        while (answers.Any(answer => answer.Stream.FinishReason is null))
        {
            engine.Loop.Step();
            most = Math.Max(most, engine.Status.LastStep.Adapters);
        }

        Assert.That(most, Is.GreaterThanOrEqualTo(7), "adapters in one step");
        for (int i = 0; i < answers.Length; i++)
        {
            using var quiet = Engine(onReference, rows: 64);
            Answer alone = quiet.Ask(requests[i]);
            quiet.Finish(alone);
            Assert.That(TokenBits.InOrder(answers[i].Items), Is.EqualTo(TokenBits.InOrder(alone.Items)), Tenants[i] ?? "base");
        }
    }

    [Test]
    public void Scenario_05_swapped_keys_and_values_that_come_back_after_a_replacement_are_those_of_their_own_generation_only()
    {
        GenerationRequest request = Question with { Adapter = "qv" };
        using var engine = Engine(onReference: false, rows: 32, pool => pool.Bytes = 30 * EngineHistory.PageBytes, overCommit: true);
        Answer[] others = [.. Enumerable.Range(0, 6).Select(i => engine.Ask(Question with { Prompt = Prompt(20 + i) }))];
        Answer old = engine.Ask(request);
        engine.StepUntil(() =>
            engine.Loop.Waiting.Any(sequence => ReferenceEquals(sequence.Request.Stream, old.Stream) && sequence.Swapped is not null));
        engine.Run(engine.Adapters.ReplaceAsync("qv", SteppedEngine.AdapterFolder("rslora")));
        Answer young = engine.Ask(request);
        engine.Finish([old, young, .. others]);
        Answer again = engine.Ask(request);
        engine.Finish(again);

        Assert.That(TokenBits.InOrder(old.Items), Is.EqualTo(Alone("qv")), "it went on with what it had computed");
        Assert.That(TokenBits.InOrder(young.Items), Is.EqualTo(Alone("rslora")));
        Assert.That(young.Stream.Usage!.CachedPromptTokens, Is.Zero, "nothing of the old content was found");
        Assert.That(TokenBits.InOrder(again.Items), Is.EqualTo(Alone("rslora")));

        TokenBits[] Alone(string content)
        {
            using var quiet = Engine(onReference: false, rows: 32);
            Answer answer = quiet.Ask(request with { Adapter = content });
            quiet.Finish(answer);
            return TokenBits.InOrder(answer.Items);
        }
    }

    private static int[] Prompt(int length) => [.. Enumerable.Range(0, length).Select(i => (i * 7 % 200) + 1)];

    private static SteppedEngine Engine(bool onReference, int rows, Action<PoolOptions>? pool = null, bool overCommit = false) => new(
        builder =>
        {
            builder = onReference ? builder.UseReference() : builder.UseCpu(cpu => cpu.Threads = 1);
            builder.ConfigureScheduling(scheduling =>
                (scheduling.MaxRowsPerStep, scheduling.OverCommit, scheduling.OverCommitLookahead, scheduling.Preemption) = (rows,
                    overCommit, 4, PreemptionMode.Swap));
            builder.ConfigurePool(options => pool?.Invoke(options));
        },
        adapters: [.. Tenants.OfType<string>()]);
}
