using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

/// <summary>Several continuations of one prompt, and log-probabilities.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ContinuationsTests
{
    private static readonly SamplingOptions Sampled = new() { Temperature = 1.3f, Seed = 99 };

    [TestCase(1)]
    [TestCase(15)]
    [TestCase(16)]
    [TestCase(17)]
    [TestCase(45)]
    public void Continuations_share_the_prompt_and_each_goes_its_own_way(int promptLength)
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        var request = new GenerationRequest
        {
            Prompt = Enumerable.Range(11, promptLength).ToArray(),
            Adapter = "qv",
            MaxTokens = 20,
            IgnoreEndOfText = true,
            Sampling = Sampled,
            Continuations = 3,
        };
        int free = engine.Status.Pool.Free;
        Dictionary<int, List<int>> together = Collect(engine, request, out GenerationStream stream);

        Assert.That(together.Keys, Is.EquivalentTo(new[] { 0, 1, 2 }));
        Assert.That(together.Values.Select(tokens => string.Join(' ', tokens)).Distinct().Count(), Is.EqualTo(3), "all differ");
        Assert.That(stream.FinishReasons, Is.EqualTo(Enumerable.Repeat(FinishReason.Length, 3)));
        Assert.That(stream.Usage, Has.Property("GeneratedTokens").EqualTo(60).And.Property("CachedTokens").EqualTo(2 * promptLength));

        Dictionary<int, List<int>> again = Collect(engine, request, out _);
        Assert.That(again, Is.EqualTo(together), "a seeded request repeats");
        Dictionary<int, List<int>> alone = Collect(engine, request with { Continuations = 1 }, out _);
        Assert.That(together[0], Is.EqualTo(alone[0]), "the first continuation is that of a single one");
        engine.DropCaches();
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(free));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(3)]
    public void A_hook_that_throws_for_one_continuation_ends_all_of_them_in_the_same_step(int failing)
    {
        using var engine = new SteppedEngine();
        var hook = new FailingHook(failing, atToken: 4);
        Answer answer = engine.Ask(new GenerationRequest
        {
            Prompt = Enumerable.Range(5, 21).ToArray(),
            MaxTokens = 100,
            IgnoreEndOfText = true,
            Continuations = 4,
            LogitsHook = hook,
        });
        engine.Finish(answer);

        Assert.That(answer.Error, Is.TypeOf<FormatException>());
        Assert.That(answer.Stream.FinishReasons, Is.All.EqualTo(FinishReason.Failed));
        // Four first tokens and three rounds of four; in the fifth only those before the failing one.
        Assert.That(hook.Calls, Is.EqualTo((4 * 4) + failing + 1));
        Assert.That(answer.Stream.Usage!.GeneratedTokens, Is.EqualTo((4 * 4) + failing));
        engine.DropCaches();
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total));
    }

    [Test]
    public void Greedy_continuations_are_equal_though_their_pages_are_their_own()
    {
        using var engine = new SteppedEngine();
        Dictionary<int, List<int>> answers = Collect(
            engine, new GenerationRequest
            {
                Prompt = Enumerable.Range(5, 21)
                .ToArray(),
                MaxTokens = 30,
                IgnoreEndOfText = true,
                Continuations = 4
            }, out _);

        Assert.That(answers.Values, Is.All.EqualTo(answers[0]));
    }

    [Test]
    public void Full_pages_of_the_prompt_are_shared_not_copied()
    {
        using var engine = new SteppedEngine();
        Answer answer =
            engine.Ask(new GenerationRequest
            {
                Prompt = Enumerable.Range(5, 40)
                .ToArray(),
                MaxTokens = 30,
                IgnoreEndOfText = true,
                Continuations = 4
            });
        while (engine.Loop.Running.Count < 4)
        {
            engine.Loop.Step();
        }

        Assert.That(engine.Loop.Snapshot().Pool.Owners.Count(owners => owners == 5), Is.EqualTo(40 / 16), "four sequences and the cache");
        engine.Finish(answer);
    }

    [Test]
    public void More_continuations_than_places_are_refused()
    {
        using var engine = new SteppedEngine(builder => builder.ConfigureScheduling(scheduling => scheduling.MaxRunning = 3));

        Assert.That(
            () => engine.Ask(new GenerationRequest { Prompt = new[] { 1 }, Continuations = 4 }),
            Throws.TypeOf<InvalidRequestException>().With.Property("Parameter").EqualTo("Continuations"));
    }

    [Test]
    public void No_more_sequences_run_than_a_step_has_rows()
    {
        using var engine = new SteppedEngine(builder => builder.ConfigureScheduling(scheduling => scheduling.MaxRowsPerStep = 2));
        var request = new GenerationRequest { Prompt = new[] { 1, 2, 3 }, MaxTokens = 5, IgnoreEndOfText = true };
        Answer[] answers = [engine.Ask(request), engine.Ask(request), engine.Ask(request)];
        engine.Loop.Step();

        Assert.That(engine.Loop.Running, Has.Count.EqualTo(2));
        Assert.That(() => engine.Ask(request with { Continuations = 3 }), Throws.TypeOf<InvalidRequestException>());
        engine.Finish(answers);
        Assert.That(answers.Select(answer => answer.Tokens), Is.All.EqualTo(answers[0].Tokens));
    }

    [Test]
    public void Log_probabilities_of_prompt_and_answer_belong_to_one_distribution()
    {
        using var engine = new SteppedEngine(adapters: ["qv"]);
        int[] prompt = [.. Enumerable.Range(30, 25)];
        var options = new LogProbabilityOptions { TopCount = 3, IncludePrompt = true };
        List<GeneratedToken> answer =
            Tokens(engine, new GenerationRequest
            {
                Prompt = prompt,
                Adapter = "qv",
                MaxTokens = 6,
                IgnoreEndOfText = true,
                LogProbabilities = options
            }, out _);

        // The answer as part of a longer prompt: its tokens have the probabilities that they were generated with.
        int[] longer = [.. prompt, .. answer.Select(token => token.Id)];
        Tokens(engine, new GenerationRequest { Prompt = longer, Adapter = "qv", MaxTokens = 1, LogProbabilities = options },
            out GenerationStream second);

        Assert.That(second.PromptLogProbabilities, Has.Count.EqualTo(longer.Length));
        Assert.That(second.PromptLogProbabilities[0], Is.Null);
        Assert.Multiple(() =>
        {
            foreach (GeneratedToken token in answer)
            {
                PromptTokenLogProbability again = second.PromptLogProbabilities[prompt.Length + token.Index]!;
                Assert.That(again.Id, Is.EqualTo(token.Id));
                Assert.That(again.LogProbability, Is.EqualTo(token.LogProbability));
                Assert.That(again.Top, Is.EqualTo(token.Top));
                Assert.That(token.Top![0].TokenId, Is.EqualTo(token.Id), "greedy takes the most probable");
            }
        });
    }

    private static Dictionary<int, List<int>> Collect(SteppedEngine engine, GenerationRequest request, out GenerationStream stream) =>
        Tokens(engine, request, out stream).GroupBy(token => token.Continuation)
            .ToDictionary(group => group.Key, group => group.Select(token => token.Id).ToList());

    private static List<GeneratedToken> Tokens(SteppedEngine engine, GenerationRequest request, out GenerationStream stream)
    {
        Answer answer = engine.Ask(request);
        engine.Finish(answer);
        stream = answer.Stream;
        return [.. answer.Items];
    }

    /// <summary>Throws when one continuation is to get one of its tokens.</summary>
    private sealed class FailingHook(int continuation, int atToken) : ILogitsHook
    {
        public int Calls { get; private set; }

        public void Apply(LogitsContext context, Span<float> logits)
        {
            Calls++;
            if (context.Continuation == continuation && context.Generated.Length == atToken)
            {
                throw new FormatException();
            }
        }
    }
}
