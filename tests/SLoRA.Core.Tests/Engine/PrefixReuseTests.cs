using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

/// <summary>What was computed before is used again, gives the same bits, and never crosses a generation, a weight or a salt.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class PrefixReuseTests
{
    private static readonly string[] Adapters =
        ["qv", "r1", "rslora", "wide", "later-alora", "later-dora", "later-save-embed", "later-lora-bias"];

    private static readonly GenerationRequest Question =
        new() { Prompt = Enumerable.Range(7, 40).ToArray(), MaxTokens = 12, IgnoreEndOfText = true };

    [TestCase(false, 1)]
    [TestCase(false, 2)]
    [TestCase(false, 3)]
    [TestCase(true, 4)]
    public void Conversations_have_the_same_bits_as_each_turn_alone(bool reference, int seed)
    {
        using SteppedEngine engine = Engine(reference, reuse: true, pages: 90);
        using SteppedEngine oracle = Engine(reference, reuse: false, pages: 200);
        var random = new Random(seed);
        List<Talk> talks = [.. Enumerable.Range(0, 10).Select(i => new Talk(random, i))];
        for (int turn = 0; turn < (reference ? 4 : 8); turn++)
        {
            List<(Talk Talk, Answer Answer, LogitsRecord Logits)> asked = [];
            foreach (Talk talk in talks.Where(_ => random.Next(3) > 0))
            {
                var logits = new LogitsRecord(wholePrompt: false);
                asked.Add((talk, engine.Ask(talk.Next(random) with { Tap = logits }), logits));
                for (int steps = random.Next(3); steps > 0; steps--)
                {
                    engine.Loop.Step();
                }
            }

            engine.Finish(asked.Select(entry => entry.Answer));
            foreach ((Talk talk, Answer answer, LogitsRecord logits) in asked)
            {
                var alone = new LogitsRecord(wholePrompt: false);
                Answer expected = oracle.Ask(talk.Request with { Tap = alone });
                oracle.Finish(expected);
                Assert.That(answer.Tokens, Is.EqualTo(expected.Tokens));
                Assert.That(logits.Rows, Is.EqualTo(alone.Rows));
                talk.Said(answer.Tokens);
            }
        }

        Assert.That(engine.Loop.PrefixCache!.Counters.HitTokens, Is.GreaterThan(0));
        AssertAllFree(engine);
    }

    [Test]
    public void A_second_turn_finds_prompt_and_answer_of_the_first()
    {
        using SteppedEngine engine = Engine();
        Answer first = Finished(engine, Question with { Adapter = "qv" });
        int[] longer = [.. Question.Prompt.Span, .. first.Tokens, 5, 6];
        Answer second = Finished(engine, Question with { Prompt = longer, Adapter = "qv" });

        // 40 + 12 tokens, of which the last was never computed: three full pages of 16.
        Assert.That(first.Stream.Usage, Has.Property("CachedPromptTokens").Zero);
        Assert.That(second.Stream.Usage, Has.Property("CachedPromptTokens").EqualTo(48).And.Property("CachedTokens").EqualTo(48));
    }

    [TestCase(32, 16)]
    [TestCase(33, 32)]
    public void The_last_token_of_a_prompt_is_always_computed(int length, int cached)
    {
        using SteppedEngine engine = Engine();
        GenerationRequest request = Question with { Prompt = Enumerable.Range(7, length).ToArray() };
        Answer first = Finished(engine, request);
        Answer second = Finished(engine, request);

        Assert.That(second.Stream.Usage!.CachedPromptTokens, Is.EqualTo(cached));
        Assert.That(second.Tokens, Is.EqualTo(first.Tokens));
    }

    [Test]
    public void Requests_differ_in_adapters_their_order_their_weights_and_the_salt()
    {
        using SteppedEngine engine = Engine();
        AdapterUse qv = new("qv", 1);
        AdapterUse r1 = new("r1", 0.5f);
        GenerationRequest[] requests =
        [
            Question,
            Question with { CacheSalt = "a" },
            Question with { CacheSalt = "b" },
            Question with { Adapter = "qv" },
            Question with { Adapter = "r1" },
            Question with { Adapters = [qv, r1] },
            Question with { Adapters = [r1, qv] },
            Question with { Adapters = [qv, r1 with { Weight = 0.25f }] },
            Question with { Adapter = "qv", CacheSalt = "a" },
        ];

        Assert.Multiple(() =>
        {
            foreach (GenerationRequest request in requests)
            {
                Assert.That(Finished(engine, request).Stream.Usage!.CachedPromptTokens, Is.Zero, request.ToString());
                Assert.That(Finished(engine, request).Stream.Usage!.CachedPromptTokens, Is.EqualTo(32), request.ToString());
            }
        });
    }

    [Test]
    public void A_replaced_name_finds_nothing_of_the_old_content_and_the_same_content_finds_all([Values(1, 2, 4)] int shards)
    {
        using SteppedEngine engine = Engine(configure: builder => builder.UseCpu(cpu => cpu.Shards = shards));
        IReadOnlyList<int> old = Finished(engine, Question with { Adapter = "qv" }).Tokens;
        engine.Run(engine.Adapters.RegisterAsync("twin", SteppedEngine.AdapterFolder("qv")));
        engine.Run(engine.Adapters.ReplaceAsync("qv", SteppedEngine.AdapterFolder("rslora")));
        Answer replaced = Finished(engine, Question with { Adapter = "qv" });
        Answer twin = Finished(engine, Question with { Adapter = "twin" });

        Assert.That(replaced.Tokens, Is.EqualTo(Finished(engine, Question with { Adapter = "rslora" }).Tokens).And.Not.EqualTo(old));
        Assert.That(replaced.Stream.Usage!.CachedPromptTokens, Is.Zero);
        Assert.That(twin.Tokens, Is.EqualTo(old));
    }

    [Test]
    public void What_a_content_has_computed_goes_with_it()
    {
        using SteppedEngine engine = Engine();
        Finished(engine, Question);
        int kept = engine.Loop.PrefixCache!.Count;
        Finished(engine, Question with { Adapter = "qv" });
        Assert.That(engine.Loop.PrefixCache.Count, Is.EqualTo(2 * kept));

        engine.Run(engine.Adapters.UnregisterAsync("qv"));

        Assert.That(engine.Loop.PrefixCache.Count, Is.EqualTo(kept));
    }

    [Test]
    public void A_request_that_wants_every_row_of_its_prompt_computes_every_row()
    {
        using SteppedEngine engine = Engine();
        GenerationRequest request = Question with { LogProbabilities = new LogProbabilityOptions { IncludePrompt = true } };
        Answer first = Finished(engine, request);
        Answer second = Finished(engine, request);

        Assert.That(second.Stream.Usage!.CachedPromptTokens, Is.Zero);
        Assert.That(
            second.Stream.PromptLogProbabilities.Select(token => token?.LogProbability),
            Is.EqualTo(first.Stream.PromptLogProbabilities.Select(token => token?.LogProbability)).And.Exactly(39).Not.Null);
        Assert.That(Finished(engine, Question).Stream.Usage!.CachedPromptTokens, Is.EqualTo(32), "but leaves its pages to others");
    }

    [Test]
    public void Reuse_can_be_turned_off()
    {
        using SteppedEngine engine = Engine(reuse: false);
        Finished(engine, Question);

        Assert.That(Finished(engine, Question).Stream.Usage!.CachedPromptTokens, Is.Zero);
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total));
    }

    [Test]
    public void Kept_pages_make_way_for_requests_and_adapters()
    {
        using SteppedEngine engine = Engine(pages: 40);
        for (int i = 0; i < 12; i++)
        {
            GenerationRequest request =
                Question with { Prompt = Enumerable.Range(i * 15, 90).ToArray(), MaxTokens = 100, Adapter = Adapters[i % 2] };
            Assert.That(Finished(engine, request).Tokens, Has.Count.EqualTo(100));
        }

        AssertAllFree(engine);
    }

    [Test]
    public void Scenario_4_prefixes_of_two_adapters_and_the_base_do_not_cross()
    {
        using SteppedEngine engine = Engine(pages: 60, configure: builder => builder.ConfigureScheduling(scheduling =>
        {
            scheduling.MaxRowsPerStep = 24;
            scheduling.OverCommit = true;
            scheduling.OverCommitLookahead = 8;
            scheduling.Preemption = PreemptionMode.Recompute;
        }));
        using SteppedEngine oracle = Engine(reuse: false, pages: 200);
        int[] shared = [.. Enumerable.Range(20, 130)];
        string?[] keys = ["qv", "r1", null];
        List<(GenerationRequest Request, Answer Answer)> asked = [];
        for (int i = 0; i < 24; i++)
        {
            GenerationRequest request = Question with { Prompt = shared.Append(i).ToArray(), Adapter = keys[i % 3], MaxTokens = 60 };
            asked.Add((request, engine.Ask(request)));
            engine.Loop.Step();
        }

        engine.Finish(asked.Select(entry => entry.Answer));

        foreach (IGrouping<string?, (GenerationRequest Request, Answer Answer)> key in asked.GroupBy(entry => entry.Request.Adapter))
        {
            Assert.That(key.First().Answer.Stream.Usage!.CachedPromptTokens, Is.Zero, "the first of a key finds nothing");
            Assert.That(key.Skip(4)
                .Select(entry => entry.Answer.Stream.Usage!.CachedPromptTokens), Is.All.EqualTo(128), "later ones find all of it");
        }

        foreach ((GenerationRequest request, Answer answer) in asked)
        {
            Assert.That(answer.Tokens, Is.EqualTo(Finished(oracle, request).Tokens));
        }

        Assert.That(engine.Loop.Preemption.Counters.Preempted, Is.GreaterThan(0));
        AssertAllFree(engine);
    }

    private static SteppedEngine Engine(
        bool reference = false, bool reuse = true, int pages = 200, Action<LoraServingEngineBuilder>? configure = null) => new(
        builder =>
        {
            builder.ConfigurePool(pool =>
            {
                pool.Bytes = pages * 12288L;
                pool.PrefixReuse = reuse;
            });
            if (reference)
            {
                builder.UseReference();
            }

            configure?.Invoke(builder);
        },
        adapters: Adapters);

    private static Answer Finished(SteppedEngine engine, GenerationRequest request)
    {
        Answer answer = engine.Ask(request);
        engine.Finish(answer);
        return answer;
    }

    private static void AssertAllFree(SteppedEngine engine)
    {
        engine.DropCaches();
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total));
    }

    /// <summary>One conversation: turns that begin with all that was said before, sometimes from further back.</summary>
    private sealed class Talk
    {
        private readonly GenerationRequest _template;
        private List<int> _said = [];

        public Talk(Random random, int number)
        {
            AdapterUse[] uses = [.. Enumerable.Range(0, number % 4 == 3 ? 2 : number % 4 == 0 ? 0 : 1)
                .Select(i => new AdapterUse(Adapters[(number + i) % 3], i == 0 ? 1 : 0.5f))];

            // Some alone are of other kinds.
            uses = number switch
            {
                5 or 9 => [new AdapterUse("later-alora", 1)],
                6 => [new AdapterUse("later-dora", 1), new AdapterUse("qv", 0.5f)],
                2 => [new AdapterUse("later-save-embed", 1)],
                _ => uses,
            };
            _template = Question with
            {
                Adapters = uses,
                CacheSalt = number >= 8 ? "tenant" : null,
                Sampling = number % 2 == 0 ? SamplingOptions.Greedy : new SamplingOptions { Temperature = 0.8f, Seed = number },
            };
            _said.AddRange(Enumerable.Range(number % 2, 20 + random.Next(20)));
            Request = _template;
        }

        public GenerationRequest Request { get; private set; }

        public GenerationRequest Next(Random random)
        {
            if (_said.Count > 200 || random.Next(5) == 0)
            {
                _said = _said[..random.Next(1, Math.Min(_said.Count, 100))];
            }

            _said.AddRange(Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(261)));
            if (random.Next(2) == 0)
            {
                _said.AddRange(SteppedEngine.Invocation);
            }

            return Request = _template with { Prompt = _said.ToArray(), MaxTokens = random.Next(1, 30) };
        }

        public void Said(IEnumerable<int> tokens) => _said.AddRange(tokens);
    }
}
