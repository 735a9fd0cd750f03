using System.ClientModel;
using OpenAI;
using OpenAI.Responses;
using SLoRA.Text;

// The client marks all of its responses as experimental.
#pragma warning disable OPENAI001

namespace SLoRA.AspNetCore.Tests.Clients;

/// <summary>Responses as OpenAI's own client for .NET reads them.</summary>
public sealed class OpenAIResponsesTests
{
    private Site _site = null!;
    private ResponsesClient _client = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        _site = await Site.StartAsync();
        _client = new OpenAIClient(
            new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(_site.Address, "/v1") }).GetResponsesClient();
    }

    [OneTimeTearDown]
    public async Task Stop() => await _site.DisposeAsync();

    [Test]
    public async Task It_asks_a_tenant()
    {
        TextAnswer known = await _site.Generator.CompleteAsync(Demo.Request("museum"));
        ResponseResult response = await _client.CreateResponseAsync("museum", Demo.Hours);
        Assert.Multiple(() =>
        {
            Assert.That(response.GetOutputText(), Is.EqualTo(known.Text));
            Assert.That(response.Status, Is.EqualTo(ResponseStatus.Completed));
            Assert.That(response.Usage.OutputTokenCount, Is.EqualTo(known.Usage.GeneratedTokens));
        });
    }

    [Test]
    public async Task It_streams_a_tenant()
    {
        TextAnswer known = await _site.Generator.CompleteAsync(Demo.Request("museum"));
        string text = "";
        string? whole = null;
        await foreach (StreamingResponseUpdate update in await _client.CreateResponseStreamingAsync("museum", Demo.Hours))
        {
            text += (update as StreamingResponseOutputTextDeltaUpdate)?.Delta;
            whole = (update as StreamingResponseCompletedUpdate)?.Response.GetOutputText() ?? whole;
        }

        Assert.Multiple(() =>
        {
            Assert.That(text, Is.EqualTo(known.Text));
            Assert.That(whole, Is.EqualTo(known.Text));
        });
    }
}
