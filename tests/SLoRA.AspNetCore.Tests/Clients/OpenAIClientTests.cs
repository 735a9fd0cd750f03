using System.ClientModel;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Tests.Clients;

/// <summary>What OpenAI's own client for .NET makes of the endpoints.</summary>
public sealed class OpenAIClientTests
{
    private Site _site = null!;
    private OpenAIClient _client = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        _site = await Site.StartAsync(map: (app, generator) =>
        {
            app.MapSLoRA(generator);
            app.MapGroup("/tools").MapSLoRA(new TextGenerator(new ScriptedEngine(generator.Engine, CallOnce), Demo.Tokenizer));
        });
        _client = ClientOf("/v1");
    }

    [OneTimeTearDown]
    public async Task Stop() => await _site.DisposeAsync();

    [Test]
    public async Task It_asks_a_tenant()
    {
        TextAnswer known = await _site.Generator.CompleteAsync(Demo.Request("garden"));
        ChatCompletion answer = await _client.GetChatClient("garden").CompleteChatAsync(
            [new UserChatMessage(Demo.Hours)],
            new ChatCompletionOptions { MaxOutputTokenCount = 64, IncludeLogProbabilities = true, TopLogProbabilityCount = 2 });
        Assert.Multiple(() =>
        {
            Assert.That(answer.Content[0].Text, Is.EqualTo(known.Text));
            Assert.That(answer.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
            Assert.That(answer.Usage.OutputTokenCount, Is.EqualTo(known.Usage.GeneratedTokens));
            Assert.That(answer.ContentTokenLogProbabilities, Has.Count.EqualTo(known.Usage.GeneratedTokens));
        });
    }

    [Test]
    public async Task It_streams_a_tenant()
    {
        TextAnswer known = await _site.Generator.CompleteAsync(Demo.Request("hotel"));
        string text = "";
        int? tokens = null;
        await foreach (StreamingChatCompletionUpdate update in _client.GetChatClient("hotel").CompleteChatStreamingAsync(
            [new UserChatMessage(Demo.Hours)]))
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            tokens = update.Usage?.OutputTokenCount ?? tokens;
        }

        Assert.Multiple(() =>
        {
            Assert.That(text, Is.EqualTo(known.Text));
            Assert.That(tokens, Is.EqualTo(known.Usage.GeneratedTokens));
        });
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task It_is_told_of_a_call_and_sends_the_result_back(bool streams)
    {
        ChatClient client = ClientOf("/tools/v1").GetChatClient("bakery");
        var options = new ChatCompletionOptions
        {
            Tools = { ChatTool.CreateFunctionTool("get_weather", "Tells the weather.", BinaryData.FromString("""{"type": "object"}""")) },
        };
        List<ChatMessage> messages = [new UserChatMessage("How is the weather?")];
        ChatToolCall call = streams
            ? await StreamedCallAsync(client, messages, options)
            : (await client.CompleteChatAsync(messages, options)).Value.ToolCalls.Single();
        Assert.That(call.FunctionName, Is.EqualTo("get_weather"));
        Assert.That(call.FunctionArguments.ToString(), Is.EqualTo("""{"city":"Bergen"}"""));

        messages.Add(new AssistantChatMessage([call]));
        messages.Add(new ToolChatMessage(call.Id, "Rain."));
        ChatCompletion answer = await client.CompleteChatAsync(messages, options);
        Assert.That(answer.Content.Single().Text, Is.EqualTo("It rains."));
        Assert.That(answer.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
    }

    [Test]
    public async Task It_lists_the_models()
    {
        OpenAIModelCollection models = await _client.GetOpenAIModelClient().GetModelsAsync();
        Assert.That(models.Select(model => model.Id), Is.EqualTo(Demo.Tenants.Prepend("model")));
    }

    [Test]
    public async Task It_understands_a_refusal()
    {
        ClientResultException? refusal = await Assert.ThrowsAsync<ClientResultException>(
            () => _client.GetChatClient("nobody").CompleteChatAsync([new UserChatMessage("Hi")]));
        Assert.Multiple(() =>
        {
            Assert.That(refusal!.Status, Is.EqualTo(404));
            Assert.That(refusal.Message, Does.Contain("model_not_found"));
        });
    }

    private OpenAIClient ClientOf(string path) =>
        new(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(_site.Address, path) });

    private static async Task<ChatToolCall> StreamedCallAsync(ChatClient client, List<ChatMessage> messages, ChatCompletionOptions options)
    {
        string id = "", name = "", arguments = "";
        ChatFinishReason? end = null;
        await foreach (StreamingChatCompletionUpdate update in client.CompleteChatStreamingAsync(messages, options))
        {
            foreach (StreamingChatToolCallUpdate part in update.ToolCallUpdates)
            {
                id += part.ToolCallId;
                name += part.FunctionName;
                arguments += part.FunctionArgumentsUpdate;
            }

            end = update.FinishReason ?? end;
        }

        Assert.That(end, Is.EqualTo(ChatFinishReason.ToolCalls));
        return ChatToolCall.CreateFunctionToolCall(id, name, BinaryData.FromString(arguments));
    }

    // The model calls, and when the result is there it answers.
    private static int[] CallOnce(GenerationRequest request) => Demo.Tokenizer.Encode(
        Demo.Tokenizer.Decode(request.Prompt.Span).Contains("Result of get_weather: Rain.", StringComparison.Ordinal)
            ? "It rains." : """{"name": "get_weather", "arguments": {"city":"Bergen"}}""",
        addSpecialTokens: false);
}
