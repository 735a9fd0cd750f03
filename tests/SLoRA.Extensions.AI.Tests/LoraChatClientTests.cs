using Microsoft.Extensions.AI;
using SLoRA.Extensions.AI.Tests.Chat;
using SLoRA.Text;

namespace SLoRA.Extensions.AI.Tests;

public sealed class LoraChatClientTests
{
    private static readonly LoraChatOptions Named = new() { ModelName = "desk" };

    [Test]
    public async Task A_request_goes_to_the_model_that_it_names()
    {
        ScriptedEngine engine = DemoModel.Scripted("Hello!");
        LoraChatClient client = engine.AsChatClient(DemoModel.Tokenizer, Named);
        ChatResponse ofBase = await client.GetResponseAsync("Hi");
        ChatResponse ofBaseByName = await client.GetResponseAsync("Hi", new ChatOptions { ModelId = "desk" });
        ChatResponse ofAdapter = await client.GetResponseAsync("Hi", new ChatOptions { ModelId = "bakery" });
        ChatResponse ofItsOwn = await client.ForAdapter("hotel").GetResponseAsync("Hi");
        Assert.That(engine.Requests.Select(request => request.Adapter), Is.EqualTo(new[] { null, null, "bakery", "hotel" }));
        Assert.That(
            new[] { ofBase, ofBaseByName, ofAdapter, ofItsOwn }.Select(response => response.ModelId),
            Is.EqualTo(new[] { "desk", "desk", "bakery", "hotel" }));
        Assert.That(ofAdapter.AdditionalProperties?["slora.generation"], Is.EqualTo("generation of bakery"));
        Assert.That(ofAdapter.Text, Is.EqualTo("Hello!"));
    }

    [Test]
    public async Task A_model_that_nobody_knows_is_a_typed_error_that_is_an_invalid_operation()
    {
        LoraChatClient client = DemoModel.Scripted("").AsChatClient(DemoModel.Tokenizer, Named);
        ModelNotFoundException? error = await Assert.ThrowsAsync<ModelNotFoundException>(
            () => client.GetResponseAsync("Hi", new ChatOptions { ModelId = "nobody" }));
        Assert.That(error, Is.InstanceOf<InvalidOperationException>());
        Assert.That((error!.ModelId, error.Code), Is.EqualTo(("nobody", "adapter.not-found")));
        Assert.That(error.InnerException, Is.TypeOf<AdapterNotFoundException>());
        Assert.That(error.Message, Does.Contain("nobody"));
    }

    [Test]
    public async Task Updates_say_whose_they_are_and_the_last_one_how_it_ended()
    {
        LoraChatClient client = DemoModel.Scripted("Hello, can I help?").AsChatClient(DemoModel.Tokenizer, Named);
        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync("Hi").ToListAsync();
        Assert.That(updates, Has.Count.GreaterThan(2));
        Assert.That(string.Concat(updates.Select(update => update.Text)), Is.EqualTo("Hello, can I help?"));
        Assert.That(
            updates.Select(update => (update.Role, update.ModelId, update.ResponseId, update.CreatedAt)).Distinct().Count(), Is.EqualTo(1));
        Assert.That(updates.SkipLast(1).Select(update => update.MessageId).Distinct().Count(), Is.EqualTo(1));
        Assert.That(updates.SkipLast(1).Select(update => update.FinishReason), Is.All.Null);
        Assert.That(updates[^1].FinishReason, Is.EqualTo(ChatFinishReason.Stop));
        Assert.That(updates.SelectMany(update => update.Contents).OfType<UsageContent>().Count(), Is.EqualTo(1));
        Assert.That(updates[^1].Contents[^1], Is.TypeOf<UsageContent>());
    }

    [Test]
    public async Task Usage_counts_tokens_and_what_the_request_waited_for()
    {
        ScriptedEngine engine = DemoModel.Scripted("Hello!");
        UsageDetails usage = (await engine.AsChatClient(DemoModel.Tokenizer).GetResponseAsync("Hi")).Usage!;
        int answer = DemoModel.Tokenizer.Encode("Hello!").Length;
        int prompt = engine.Requests[0].Prompt.Length;
        Assert.That((usage.InputTokenCount, usage.OutputTokenCount, usage.TotalTokenCount, usage.CachedInputTokenCount),
            Is.EqualTo(((long?)prompt, (long?)answer, (long?)prompt + answer, (long?)3)));
        Assert.That(usage.AdditionalCounts, Is.EquivalentTo(new Dictionary<string, long>
        {
            ["slora.queue_us"] = 2000,
            ["slora.page_in_us"] = 5000,
            ["slora.preemptions"] = 7,
        }));
    }

    [Test]
    public async Task The_reason_is_length_where_the_limit_was_reached()
    {
        ChatResponse response = await DemoModel.Scripted("Hello, can I help?").AsChatClient(DemoModel.Tokenizer)
            .GetResponseAsync("Hi", new ChatOptions { MaxOutputTokens = 2 });
        Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.Length));
        Assert.That(response.Usage!.OutputTokenCount, Is.EqualTo(2));
    }

    [Test]
    public async Task A_stop_sequence_ends_the_answer_across_tokens_and_is_named()
    {
        ChatResponse response = await DemoModel.Scripted("Hello, can I help you today?").AsChatClient(DemoModel.Tokenizer)
            .GetResponseAsync("Hi", new ChatOptions { StopSequences = ["lp yo"] });
        Assert.That(response.Text, Is.EqualTo("Hello, can I he"));
        Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
        Assert.That(response.AdditionalProperties?["slora.stop_string"], Is.EqualTo("lp yo"));
    }

    [Test]
    public async Task Cancelling_ends_the_request_in_the_engine()
    {
        ScriptedEngine engine = new(DemoModel.Tokenizer, _ => "Hello!") { NeverEnds = true };
        using var cancellation = new CancellationTokenSource();
        await Assert.CatchAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in engine.AsChatClient(DemoModel.Tokenizer).GetStreamingResponseAsync(
                "Hi", cancellationToken: cancellation.Token))
            {
                cancellation.Cancel();
            }
        });
        Assert.That(engine.Open, Is.Zero);
    }

    [Test]
    public async Task Leaving_the_updates_ends_the_request_in_the_engine()
    {
        ScriptedEngine engine = new(DemoModel.Tokenizer, _ => "Hello!") { NeverEnds = true };
        await foreach (ChatResponseUpdate _ in engine.AsChatClient(DemoModel.Tokenizer).GetStreamingResponseAsync("Hi"))
        {
            Assert.That(engine.Open, Is.EqualTo(1));
            break;
        }

        Assert.That(engine.Open, Is.Zero);
    }

    [Test]
    public async Task Each_enumeration_is_a_request_of_its_own()
    {
        ScriptedEngine engine = DemoModel.Scripted("Hello!");
        IAsyncEnumerable<ChatResponseUpdate> updates = engine.AsChatClient(DemoModel.Tokenizer).GetStreamingResponseAsync("Hi");
        Assert.That(engine.Requests, Is.Empty);
        ChatResponse first = await updates.ToChatResponseAsync();
        ChatResponse second = await updates.ToChatResponseAsync();
        Assert.That(second.Text, Is.EqualTo(first.Text));
        Assert.That(second.ResponseId, Is.Not.EqualTo(first.ResponseId));
        Assert.That(engine.Requests.Select(request => request.RequestId), Is.EqualTo(new[] { first.ResponseId, second.ResponseId }));
    }

    [Test]
    public async Task Without_messages_it_says_which_argument_is_missing()
    {
        LoraChatClient client = DemoModel.Scripted("").AsChatClient(DemoModel.Tokenizer);
        Assert.Throws<ArgumentNullException>(() => client.GetStreamingResponseAsync((IEnumerable<ChatMessage>)null!));
        await Assert.ThrowsAsync<ArgumentNullException>(() => client.GetResponseAsync((IEnumerable<ChatMessage>)null!));
        Assert.That(
            (await Assert.ThrowsAsync<InvalidRequestException>(() => client.GetResponseAsync([])))!.Parameter, Is.EqualTo("Messages"));
    }

    [Test]
    public async Task Disposal_is_the_engines_matter()
    {
        IChatClient client = DemoModel.Scripted("Hello!").AsChatClient(DemoModel.Tokenizer);
        client.Dispose();
        Assert.That((await client.GetResponseAsync("Hi")).Text, Is.EqualTo("Hello!"));
    }

    [Test]
    public void What_stands_behind_a_client_can_be_asked_for()
    {
        ScriptedEngine engine = DemoModel.Scripted("");
        IChatClient client = engine.AsChatClient(DemoModel.Tokenizer, Named with { ProviderUri = new Uri("http://gpu.example:8080") });
        ChatClientMetadata metadata = client.GetRequiredService<ChatClientMetadata>();
        Assert.That(
            (metadata.ProviderName, metadata.DefaultModelId, metadata.ProviderUri?.Port), Is.EqualTo(("slora", "desk", (int?)8080)));
        Assert.That(client.GetService<ILoraEngine>(), Is.SameAs(engine));
        Assert.That(client.GetService<ModelTokenizer>(), Is.SameAs(DemoModel.Tokenizer));
        Assert.That(client.GetService<TextGenerator>()?.Engine, Is.SameAs(engine));
        Assert.That(client.GetService<LoraChatClient>(), Is.SameAs(client));
        Assert.That(client.GetService<IChatClient>(), Is.SameAs(client));
        Assert.That(client.GetService<ILoraEngine>("key"), Is.Null);
        Assert.That(client.GetService<Random>(), Is.Null);
        IChatClient bakery = ((LoraChatClient)client).ForAdapter("bakery");
        Assert.That(bakery.GetRequiredService<ChatClientMetadata>().DefaultModelId, Is.EqualTo("bakery"));
    }

    [Test]
    public async Task Log_probabilities_come_with_the_updates()
    {
        ScriptedEngine engine = DemoModel.Scripted("Hello!");
        List<ChatResponseUpdate> updates = await engine.AsChatClient(DemoModel.Tokenizer).GetStreamingResponseAsync("Hi", new ChatOptions
        {
            RawRepresentationFactory = _ => new GenerationOptions { LogProbabilities = new LogProbabilityOptions { TopCount = 1 } },
        }).ToListAsync();
        Assert.That(updates.Select(update => update.RawRepresentation).OfType<TextUpdate>().Select(update => update.Update.Token.Id),
            Is.EqualTo(DemoModel.Tokenizer.Encode("Hello!")));
    }
}
