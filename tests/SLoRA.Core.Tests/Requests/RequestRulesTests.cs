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
