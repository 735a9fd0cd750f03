using FsCheck;
using NUnit.Framework;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Engine;

/// <summary>Who gets the rows of a step.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StepPlannerTests
{
    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(1, 5).ToArray(), MaxTokens = 30, IgnoreEndOfText = true };

    /// <summary>Every sequence that runs and is not paused moves in every step, whatever the mix of prompts and streams.</summary>
    [SeededProperty(MaxTest = 40)]
    public void Every_running_sequence_advances_in_every_step(NonEmptyArray<byte> lengths, bool taps)
    {
        using SteppedEngine engine = Engine(rows: 12, running: 9);
        List<Answer> answers = [];
        foreach (byte length in lengths.Get.Take(12))
        {
            GenerationRequest request =
                Question with { Prompt = Enumerable.Range(0, 1 + (length % 200)).ToArray(), MaxTokens = 1 + (length % 40) };
            answers.Add(engine.Ask(taps && length % 2 == 0 ? request with { Tap = new LogitsRecord() } : request));
            Assert.That(Step(engine), Is.LessThanOrEqualTo(12));
        }

        while (answers.Any(answer => answer.Stream.FinishReason is null))
        {
            Step(engine);
        }
    }

    [Test]
    public void A_long_prompt_never_stalls_running_streams()
    {
        using SteppedEngine engine = Engine(rows: 16, running: 8);
        Answer[] streams = [.. Enumerable.Range(0, 4).Select(_ => engine.Ask(Question with { MaxTokens = 60 }))];
        engine.Loop.Step();
        engine.Loop.Step();
        Answer prompt = engine.Ask(Question with { Prompt = Enumerable.Range(0, 240).ToArray(), MaxTokens = 1 });
        int together = 0;
        while (prompt.Stream.FinishReason is null)
        {
            int[] before = Counts(engine, streams);
            engine.Loop.Step();
            if (engine.Loop.Running.Any(sequence => ReferenceEquals(sequence.Request.Stream, prompt.Stream)))
            {
                together++;
                Assert.That(Counts(engine, streams), Is.EqualTo(before.Select(count => count + 1)));
                Assert.That(engine.Status.LastStep.Rows, Is.LessThanOrEqualTo(16));
            }
        }

        Assert.That(together, Is.GreaterThan(240 / 16), "a step has 16 rows, and some are the streams'");
        engine.Finish(streams);
    }

    [Test]
    public void Short_prompts_do_not_wait_for_long_ones_before_them()
    {
        using SteppedEngine engine = Engine(rows: 64, running: 16);
        Answer[] longOnes = [.. Enumerable.Range(0, 2)
            .Select(_ => engine.Ask(Question with { Prompt = Enumerable.Range(0, 250).ToArray(), MaxTokens = 1 }))];
        engine.Loop.Step();
        Answer shortOne = engine.Ask(Question with { MaxTokens = 1 });
        engine.Loop.Step();
        engine.Loop.Step();

        Assert.That(shortOne.Stream.FinishReason, Is.EqualTo(FinishReason.Length));
        Assert.That(longOnes.Select(answer => answer.Stream.FinishReason), Is.All.Null);
        engine.Finish(longOnes);
    }

    [TestCase(null, 32, 32)]
    [TestCase(10, 10, 54)]
    [TestCase(1000, 63, 1)]
    public void The_oldest_prompt_takes_up_to_its_limit_and_the_others_share_the_rest(int? limit, int oldest, int other)
    {
        using SteppedEngine engine = Engine(rows: 64, running: 16, promptRows: limit);
        Answer[] answers = [.. Enumerable.Range(0, 2)
            .Select(_ => engine.Ask(Question with { Prompt = Enumerable.Range(0, 200).ToArray(), MaxTokens = 1 }))];
        engine.Loop.Step();

        Assert.That(engine.Loop.Running.Select(sequence => sequence.Computed), Is.EqualTo(new[] { oldest, other }));
        engine.Finish(answers);
    }

    private static int[] Counts(SteppedEngine engine, Answer[] answers) =>
        [.. answers.Select(
            answer => engine.Loop.Running.Single(sequence => ReferenceEquals(sequence.Request.Stream, answer.Stream)).Count)];

    /// <summary>Steps, and checks that everybody who ran before has moved.</summary>
    private static int Step(SteppedEngine engine)
    {
        (Sequence Sequence, int Computed)[] before =
            [.. engine.Loop.Running.Where(sequence => sequence.Finished is null).Select(sequence => (sequence, sequence.Computed))];
        engine.Loop.Step();
        foreach ((Sequence sequence, int computed) in before)
        {
            Assert.That(sequence.Computed, Is.GreaterThan(computed));
        }

        return engine.Status.LastStep.Rows;
    }

    private static SteppedEngine Engine(int rows, int running, int? promptRows = null) => new(builder => builder
        .ConfigurePool(pool => pool.PrefixReuse = false)
        .ConfigureScheduling(scheduling =>
        {
            scheduling.MaxRowsPerStep = rows;
            scheduling.MaxRunning = running;
            scheduling.MaxPromptRowsPerStep = promptRows;
        }));
}
