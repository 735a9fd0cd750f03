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
        _site = await Site.StartAsync();
        _client = new OpenAIClient(
            new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(_site.Address, "/v1") });
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
}
