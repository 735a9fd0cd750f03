using System.Text.Json.Nodes;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// Activated LoRA acts from the last occurrence of its invocation in the prompt on; what lies before it is the base model's, pages
/// included.
/// </summary>
[Parallelizable(ParallelScope.All)]
internal sealed class ActivatedAdapterTests
{
    private const string Activated = "later-alora";
    private const int Start = 40;

    /// <summary>55 tokens: three full pages of 16, of which the third has the start.</summary>
    private static readonly GenerationRequest Question = new()
    {
        Prompt = (int[])[.. Enumerable.Range(60, Start), .. SteppedEngine.Invocation, .. Enumerable.Range(120, 12)],
        MaxTokens = 1,
        IgnoreEndOfText = true,
    };

    [Test]
    public void Full_pages_before_the_invocation_are_shared_by_the_base_and_by_all_that_are_activated()
    {
        using var other = new TemporaryFolder();
        CopyWithAlpha(other, 5);
        using var engine = new SteppedEngine(adapters: [Activated]);
        engine.Run(engine.Adapters.RegisterAsync("other", other.Path));

        Assert.That(Cached(engine, Question), Is.Zero);
        Assert.That(engine.Loop.PrefixCache!.Count, Is.EqualTo(3));
        Assert.That(Cached(engine, Question with { Adapter = Activated }), Is.EqualTo(32));
        Assert.That(engine.Loop.PrefixCache.Count, Is.EqualTo(4), "one page of its own");
        Assert.That(Cached(engine, Question with { Adapter = "other" }), Is.EqualTo(32));
        Assert.That(engine.Loop.PrefixCache.Count, Is.EqualTo(5));
        Assert.That(Cached(engine, Question with { Adapter = Activated }), Is.EqualTo(48), "its own page too");

        engine.Run(engine.Adapters.UnregisterAsync(Activated));
        Assert.That(engine.Loop.PrefixCache.Count, Is.EqualTo(4), "its page goes with it, those of the base stay");
        Assert.That(Cached(engine, Question), Is.EqualTo(48));
        engine.DropCaches();
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total));
    }

    [Test]
    public void The_base_finds_what_an_activated_adapter_has_computed_before_its_invocation()
    {
        using var engine = new SteppedEngine(adapters: [Activated]);
        Assert.That(Cached(engine, Question with { Adapter = Activated }), Is.Zero);
        Assert.That(Cached(engine, Question), Is.EqualTo(32));
        Assert.That(Cached(engine, Question with { Adapter = Activated, CacheSalt = "tenant" }), Is.Zero, "salts are kept apart");
    }

    [Test]
    public void Without_an_invocation_everything_is_the_bases()
    {
        using var engine = new SteppedEngine(adapters: [Activated]);
        GenerationRequest request = Question with { Prompt = Enumerable.Range(60, 50).ToArray(), MaxTokens = 20 };
        (Answer expected, LogitsRecord rows) = Ask(engine, request);
        (Answer answer, LogitsRecord same) = Ask(engine, request with { Adapter = Activated });

        Assert.That(answer.Tokens, Is.EqualTo(expected.Tokens));
        Assert.That(same.Rows, Is.EqualTo(rows.Rows));
        Assert.That(Cached(engine, request with { Adapter = Activated }), Is.EqualTo(48));
    }

    [Test]
    public void Rows_before_the_invocation_have_the_bits_of_the_base_and_those_behind_it_have_not([Values(1, 7, 64)] int chunk)
    {
        using var engine = new SteppedEngine(
            builder => builder.UseCpu().ConfigurePool(pool => pool.PrefixReuse = false), () => chunk, adapters: [Activated]);
        (_, LogitsRecord expected) = Ask(engine, Question);
        (_, LogitsRecord activated) = Ask(engine, Question with { Adapter = Activated });

        Assert.That(activated.Rows.Where(row => row.Value == expected.Rows[row.Key]).Select(row => row.Key),
            Is.EqualTo(Enumerable.Range(0, Start)));
    }

    /// <summary>
    /// The first pages of two prompts have the same tokens and an invocation each; the second prompt has another one that begins in that
    /// page and ends behind it.
    /// </summary>
    [Test]
    public void Equal_pages_whose_adapter_begins_elsewhere_are_not_shared()
    {
        int[] page = [1, 2, 3, 4, 5, .. SteppedEngine.Invocation, 9, 10, 11, 12, 13, 14, 7, 250];
        GenerationRequest early = Question with { Prompt = (int[])[.. page, 99, 98], Adapter = Activated, MaxTokens = 20 };
        GenerationRequest late = early with { Prompt = (int[])[.. page, 31, 98] };
        using var engine = new SteppedEngine(adapters: [Activated]);
        using var fresh = new SteppedEngine(adapters: [Activated]);
        Ask(engine, early);

        (Answer answer, LogitsRecord rows) = Ask(engine, late, wholePrompt: false);
        (Answer alone, LogitsRecord expected) = Ask(fresh, late, wholePrompt: false);
        Assert.That(answer.Stream.Usage!.CachedPromptTokens, Is.Zero);
        Assert.That(answer.Tokens, Is.EqualTo(alone.Tokens));
        Assert.That(rows.Rows, Is.EqualTo(expected.Rows));
    }

    [TestCase("later-dora", 0.5f, null)]
    [TestCase("qv", 1f, "later-dora")]
    [TestCase("later-dora", 1f, "later-dora")]
    [TestCase("later-dora", 1f, "later-tokens")]
    [TestCase("later-alora", 1f, "qv")]
    [TestCase("qv", 1f, "later-save-head")]
    [TestCase("later-tokens", 1f, "qv")]
    [TestCase("later-save-embed", 2f, null)]
    public void Adapters_that_do_not_go_together_are_refused_by_name_where_the_request_is_made(string first, float weight, string? second)
    {
        using var engine = new SteppedEngine(adapters: SteppedEngine.AllAdapterNames);
        AdapterUse[] uses = second is null ? [new AdapterUse(first, weight)] : [new AdapterUse(first, weight), new AdapterUse(second)];
        GenerationRequest request = Question with { Adapters = uses };
        string named = first is "qv" or "later-dora" && second is not null ? second! : first;

        Assert.That(() => engine.Loop.Names.Check(request),
            Throws.TypeOf<InvalidRequestException>().With.Message.Contains($"'{named}'").And.Property("Parameter").EqualTo("Adapters"));
        Answer answer = engine.Ask(request);
        engine.Finish(answer);
        Assert.That(answer.Error, Is.TypeOf<InvalidRequestException>(), "also when it comes by another way");
    }

    [Test]
    public void What_adds_goes_together()
    {
        using var engine = new SteppedEngine(adapters: SteppedEngine.AllAdapterNames);
        foreach (string first in (string[])["later-lora-bias", "qv", "later-dora"])
        {
            Answer answer = engine.Ask(Question with { Adapters = [new(first), new("later-lora-bias", 0.5f), new("r1", -2)] });
            engine.Finish(answer);
            Assert.That(answer.Tokens, Has.Count.EqualTo(1), first);
        }
    }

    private static void CopyWithAlpha(TemporaryFolder folder, double alpha)
    {
        string original = SteppedEngine.AdapterFolder(Activated);
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(original, "adapter_config.json")))!.AsObject();
        config["lora_alpha"] = alpha;
        folder.Write("adapter_config.json", config.ToJsonString());
        folder.Write("adapter_model.safetensors", File.ReadAllBytes(Path.Combine(original, "adapter_model.safetensors")));
    }

    private static int Cached(SteppedEngine engine, GenerationRequest request)
    {
        Answer answer = engine.Ask(request);
        engine.Finish(answer);
        return answer.Stream.Usage!.CachedPromptTokens;
    }

    private static (Answer Answer, LogitsRecord Rows) Ask(SteppedEngine engine, GenerationRequest request, bool wholePrompt = true)
    {
        var record = new LogitsRecord(wholePrompt);
        Answer answer = engine.Ask(request with { Tap = record });
        engine.Finish(answer);
        return (answer, record);
    }
}
