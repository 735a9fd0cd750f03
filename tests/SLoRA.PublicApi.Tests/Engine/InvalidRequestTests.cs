namespace SLoRA.PublicApi.Tests.Engine;

/// <summary>Whatever is wrong with a request is said at once, by type, code and value, and disturbs nobody.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class InvalidRequestTests
{
    public static IEnumerable<TestCaseData> Requests()
    {
        GenerationRequest good = Demo.Request("bakery");
        yield return Case("An_empty_prompt", good with { Prompt = ReadOnlyMemory<int>.Empty });
        yield return Case("A_token_below_the_vocabulary", good with { Prompt = new[] { 5, -1 } });
        yield return Case("A_token_above_the_vocabulary", good with { Prompt = new[] { 2048 } });
        yield return Case("No_tokens_to_generate", good with { MaxTokens = 0 });
        yield return Case("A_prompt_longer_than_the_context", good with { Prompt = new int[5000] });
        yield return Case("More_than_the_context_has", good with { MaxTokens = 1024 });
        yield return Case("A_temperature_that_is_no_number", good with { Sampling = new SamplingOptions { Temperature = float.NaN } });
        yield return Case("A_share_above_one", good with { Sampling = new SamplingOptions { TopP = 1.5f } });
        yield return Case("Two_ways_to_name_adapters", good with { Adapters = [new AdapterUse("bakery")] });
        yield return Case(
            "A_weight_that_is_no_number", good with { Adapter = null, Adapters = [new AdapterUse("bakery", float.PositiveInfinity)] });
    }

    [TestCaseSource(nameof(Requests))]
    public async Task Is_refused_before_anything_happens(GenerationRequest request)
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");

        InvalidRequestException error = Assert.Throws<InvalidRequestException>(() => engine.GenerateAsync(request))!;

        TestContext.Out.WriteLine(error.Message);
        Assert.That(error.Code, Is.EqualTo("request.invalid"));
        Assert.That(error.Parameter, Is.Not.Empty);
        Assert.That(engine.Status.Steps, Is.Zero);
        Assert.That(await engine.AskAsync(Demo.Request("bakery")), Is.EqualTo(Demo.Answer("bakery")));
    }

    [Test]
    public async Task An_unknown_name_is_never_answered_by_the_base()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");

        AdapterNotFoundException error = Assert.Throws<AdapterNotFoundException>(() => engine.GenerateAsync(Demo.Request("florist")))!;

        Assert.That(error.Code, Is.EqualTo("adapter.not-found"));
        Assert.That(error.Message, Does.Contain("'florist'"));
    }

    [Test]
    public async Task A_request_that_the_pool_can_never_hold_is_refused()
    {
        await using LoraServingEngine engine = await Demo.StartAsync(builder => builder.ConfigurePool(pool => pool.Bytes = 8 * 16384));

        await Assert.ThatAsync(() => engine.AskAsync(Demo.Request(null, maxTokens: 900)), Throws.TypeOf<RequestTooLargeException>());

        Assert.That(await engine.AskAsync(Demo.Request(null, maxTokens: 30)), Is.EqualTo(Demo.Answer(null)));
        Demo.AssertIdle(engine);
    }

    [Test]
    public async Task A_full_queue_answers_busy()
    {
        await using LoraServingEngine engine = await Demo.StartAsync(builder => builder.ConfigureScheduling(scheduling =>
        {
            scheduling.MaxRunning = 1;
            scheduling.MaxWaiting = 1;
        }));
        await using IAsyncEnumerator<GeneratedToken> running = engine.GenerateAsync(Demo.Endless()).GetAsyncEnumerator();
        Assert.That(await running.MoveNextAsync(), Is.True);
        Task<string> waiting = engine.AskAsync(Demo.Request(null));

        await Assert.ThatAsync(() => engine.AskAsync(Demo.Request(null)), Throws.TypeOf<EngineBusyException>());

        await running.DisposeAsync();
        Assert.That(await waiting, Is.EqualTo(Demo.Answer(null)));
    }

    [Test]
    public async Task A_stream_can_be_enumerated_once()
    {
        await using LoraServingEngine engine = await Demo.StartAsync();
        GenerationStream stream = engine.GenerateAsync(Demo.Request(null, maxTokens: 1));
        await foreach (GeneratedToken _ in stream)
        {
        }

        await Assert.ThatAsync(async () => await stream.GetAsyncEnumerator().MoveNextAsync(), Throws.InvalidOperationException);
    }

    private static TestCaseData Case(string name, GenerationRequest request) =>
        new TestCaseData(request).SetName(name + "_is_refused_before_anything_happens");
}
