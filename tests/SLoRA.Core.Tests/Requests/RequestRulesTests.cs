using System.Buffers;
using System.Collections;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Requests;

/// <summary>What a caller hands in is copied and bounded before anything is taken.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class RequestRulesTests
{
    private const int Vocabulary = 50_000;

    private static readonly ModelInfo Model = new()
    {
        Folder = "model",
        Architecture = "LlamaForCausalLM",
        VocabularySize = Vocabulary,
        HiddenSize = 64,
        LayerCount = 1,
        ContextLength = 100_000,
        ParameterCount = 1,
        EndOfTextTokens = [2],
    };

    private static readonly GenerationRequest Good = new() { Prompt = new int[] { 5, 6, 7 }, MaxTokens = 4 };

    /// <summary>The largest that is taken, one more, and the member that the refusal names.</summary>
    private static readonly (string Member, GenerationRequest Largest, GenerationRequest TooLarge)[] Bounds =
    [
        ("Adapters", Uses(16), Uses(17)),
        ("Adapters", Good with { Adapters = [new AdapterUse(new string('n', 256))] },
            Good with { Adapters = [new AdapterUse(new string('n', 257))] }),
        ("Adapter", Good with { Adapter = new string('n', 256) }, Good with { Adapter = new string('n', 10_000_000) }),
        ("StopTokens", Stops(256), Stops(257)),
        ("LogitBias", Bias(4096), Bias(4097)),
        ("CacheSalt", Good with { CacheSalt = new string('s', 256) }, Good with { CacheSalt = new string('s', 257) }),
        ("Prompt", Good with { Prompt = new int[99_990] }, Good with { Prompt = new int[100_000] }),
        ("MaxTokens", Good with { MaxTokens = 99_997 }, Good with { MaxTokens = 99_998 }),
        ("Continuations", Good with { Continuations = 128 }, Good with { Continuations = 129 }),
        ("IncludePrompt", PromptEntries(256), PromptEntries(257)),
        ("TopCount", Top(1024), Top(1025)),
        ("Deadline", Good with { Deadline = TimeSpan.FromDays(49) }, Good with { Deadline = TimeSpan.FromDays(50) }),
    ];

    /// <summary>What cannot be: the member that the refusal names, and what it says.</summary>
    private static readonly (string Member, GenerationRequest Request, string Says)[] Impossible =
    [
        ("Prompt", Good with { Prompt = Array.Empty<int>() }, "empty"),
        ("Prompt", Good with { Prompt = new int[] { 5, -1 } }, "token 1 is -1"),
        ("Prompt", Good with { Prompt = new int[] { Vocabulary } }, "token 0 is 50000; the vocabulary has ids 0 to 49999"),
        ("StopTokens", Good with { StopTokens = [3, -1] }, "names token -1"),
        ("StopTokens", Good with { StopTokens = [Vocabulary] }, "names token 50000; the vocabulary has ids 0 to 49999"),
        ("MaxTokens", Good with { MaxTokens = 0 }, "is 0; it must be at least 1"),
        ("MaxTokens", Good with { MaxTokens = 99_998 }, "A prompt of 3 tokens leaves 99997 of the context of 100000"),
        ("Continuations", Good with { Continuations = 0 }, "is 0; it must be between 1 and 128"),
        ("Deadline", Good with { Deadline = TimeSpan.Zero }, "is 00:00:00; it must be positive"),
        ("Deadline", Good with { Deadline = TimeSpan.FromTicks(-1) }, "must be positive"),
        ("Adapters", Good with { Adapter = "a", Adapters = [new AdapterUse("b")] }, "both given"),
        ("Adapters", Good with { Adapters = [new AdapterUse("a", 0.5f), new AdapterUse("b", float.NaN)] }, "adapter 'b' is NaN"),
        ("Adapters", Good with { Adapters = [new AdapterUse("a", float.NegativeInfinity)] }, "it must be finite"),
        ("Temperature", Good with { Sampling = new SamplingOptions { Temperature = -1 } }, "-1"),
    ];

    private static IEnumerable<TestCaseData> ImpossibleMembers =>
        Impossible.Select((row, place) => new TestCaseData(place).SetArgDisplayNames(row.Member, $"{place}"));

    private static IEnumerable<TestCaseData> Members =>
        Bounds.Select((row, place) => new TestCaseData(place).SetArgDisplayNames(row.Member, $"{place}"));

    [TestCaseSource(nameof(Members))]
    public void Every_member_has_a_bound_and_what_exceeds_it_is_refused_by_name(int row)
    {
        (string member, GenerationRequest largest, GenerationRequest tooLarge) = Bounds[row];
        Assert.That(() => Accept(largest), Throws.Nothing);
        InvalidRequestException error = Assert.Throws<InvalidRequestException>(() => Accept(tooLarge))!;
        Assert.That(error.Parameter, Is.EqualTo(member));
        Assert.That(error.Message, Has.Length.LessThan(300), "a value of any length is not repeated");
    }

    [TestCaseSource(nameof(ImpossibleMembers))]
    public void What_cannot_be_is_refused_by_name_and_value(int row)
    {
        (string member, GenerationRequest request, string says) = Impossible[row];
        InvalidRequestException error = Assert.Throws<InvalidRequestException>(() => Accept(request))!;
        Assert.That(error.Parameter, Is.EqualTo(member));
        Assert.That(error.Message, Does.Contain(says));
    }

    [TestCase(3, 4, 4, Description = "as asked")]
    [TestCase(3, null, 7, Description = "the default of the engine")]
    [TestCase(99_995, null, 5, Description = "what the context leaves")]
    [TestCase(99_999, null, 1)]
    [TestCase(99_995, 5, 5)]
    public void The_most_tokens_are_those_asked_for_or_the_default_as_far_as_the_context_goes(int prompt, int? asked, int expected)
    {
        GenerationRequest request = Good with { Prompt = new int[prompt], MaxTokens = asked };

        Assert.That(RequestRules.Accept(request, Model, new SchedulingOptions { DefaultMaxTokens = 7 }).MaxTokens, Is.EqualTo(expected));
    }

    [TestCase(4, 256, 4)]
    [TestCase(128, 3, 3, Description = "each that runs needs a row of the step")]
    public void As_many_continuations_are_taken_as_may_run_at_once(int running, int rows, int most)
    {
        var scheduling = new SchedulingOptions { MaxRunning = running, MaxRowsPerStep = rows };

        Assert.That(() => RequestRules.Accept(Good with { Continuations = most }, Model, scheduling), Throws.Nothing);
        Assert.That(() => RequestRules.Accept(Good with { Continuations = most + 1 }, Model, scheduling),
            Throws.TypeOf<InvalidRequestException>().With.Message.Contains($"between 1 and {most}"));
    }

    [Test]
    public void A_prompt_that_is_too_long_is_refused_before_a_token_of_it_is_read()
    {
        using var untouchable = new Untouchable(100_000);

        Assert.That(() => Accept(Good with { Prompt = untouchable.Memory }),
            Throws.TypeOf<InvalidRequestException>().With.Message.Contains("100000 tokens"));
        Assert.That(untouchable.Reads, Is.Zero);
    }

    [Test]
    public void Prompt_entries_are_counted_only_where_they_are_asked_for()
    {
        GenerationRequest without = PromptEntries(1024) with { LogProbabilities = new LogProbabilityOptions { TopCount = 1024 } };
        Assert.That(() => Accept(without), Throws.Nothing);
    }

    [Test]
    public void A_list_without_end_is_not_read_to_it()
    {
        Assert.That(() => Accept(Good with { StopTokens = new Endless() }),
            Throws.TypeOf<InvalidRequestException>().With.Property("Parameter").EqualTo("StopTokens"));
    }

    [Test]
    public void What_is_null_is_refused_by_name()
    {
        (string Member, GenerationRequest Request)[] rows =
        [
            ("Adapters", Good with { Adapters = null! }),
            ("Adapters", Good with { Adapters = [default] }),
            ("StopTokens", Good with { StopTokens = null! }),
            ("Sampling", Good with { Sampling = null! }),
        ];
        foreach ((string member, GenerationRequest request) in rows)
        {
            Assert.That(() => Accept(request), Throws.TypeOf<InvalidRequestException>().With.Property("Parameter").EqualTo(member));
        }
    }

    [Test]
    public void What_the_caller_changes_afterwards_changes_nothing()
    {
        int[] prompt = [5, 6, 7];
        List<int> stops = [9];
        List<AdapterUse> uses = [new AdapterUse("a")];
        var bias = new Dictionary<int, float> { [3] = 1 };
        GenerationRequest accepted = Accept(new GenerationRequest
        {
            Prompt = prompt,
            StopTokens = stops,
            Adapters = uses,
            Sampling = new SamplingOptions { LogitBias = bias },
        });
        prompt[0] = 1_900_000_000;
        stops.Add(-1);
        uses.Clear();
        bias[-7] = float.NaN;

        Assert.That(accepted.Prompt.ToArray(), Is.EqualTo(new[] { 5, 6, 7 }));
        Assert.That(accepted.StopTokens, Is.EqualTo(new[] { 9 }));
        Assert.That(accepted.Adapters, Is.EqualTo(new[] { new AdapterUse("a") }));
        Assert.That(accepted.Sampling.LogitBias, Is.EquivalentTo(new Dictionary<int, float> { [3] = 1 }));
        Assert.That(
            () => ((IList<int>)accepted.StopTokens)[0] = 1, Throws.InstanceOf<NotSupportedException>(), "nor through the stream's request");
    }

    private static GenerationRequest Accept(GenerationRequest request) =>
        RequestRules.Accept(request, Model, new SchedulingOptions()).Request;

    private static GenerationRequest Uses(int count) => Good with { Adapters = [.. Enumerable.Repeat(new AdapterUse("a"), count)] };

    private static GenerationRequest Stops(int count) => Good with { StopTokens = [.. Enumerable.Range(0, count)] };

    private static GenerationRequest Bias(int count) =>
        Good with { Sampling = new SamplingOptions { LogitBias = Enumerable.Range(0, count).ToDictionary(token => token, _ => 1f) } };

    private static GenerationRequest PromptEntries(int length) => Good with
    {
        Prompt = new int[length],
        LogProbabilities = new LogProbabilityOptions { TopCount = 1024, IncludePrompt = true },
    };

    private static GenerationRequest Top(int count) => Good with { LogProbabilities = new LogProbabilityOptions { TopCount = count } };

    /// <summary>Memory of the host program that counts who looks into it.</summary>
    private sealed class Untouchable(int length) : MemoryManager<int>
    {
        public int Reads { get; private set; }

        public override Memory<int> Memory => CreateMemory(length);

        public override Span<int> GetSpan()
        {
            Reads++;
            return new int[length];
        }

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }

    private sealed class Endless : IReadOnlyList<int>
    {
        public int Count => 0;

        public int this[int index] => 1;

        public IEnumerator<int> GetEnumerator()
        {
            while (true)
            {
                yield return 1;
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    [Test]
    public void A_bias_that_gives_one_token_for_ever_is_too_many()
    {
        var endless = new EndlessBias();

        Assert.That(
            () => RequestCopy.Of(Good with { Sampling = new SamplingOptions { LogitBias = endless } }),
            Throws.TypeOf<InvalidRequestException>().With.Message.Contains("4096"));
    }

    private sealed class EndlessBias : IReadOnlyDictionary<int, float>
    {
        public IEnumerable<int> Keys => [3];

        public IEnumerable<float> Values => [1];

        public int Count => 1;

        public float this[int key] => 1;

        public bool ContainsKey(int key) => key == 3;

        public bool TryGetValue(int key, out float value)
        {
            value = 1;
            return key == 3;
        }

        public IEnumerator<KeyValuePair<int, float>> GetEnumerator()
        {
            while (true)
            {
                yield return new(3, 1);
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
