using System.Text;
using Microsoft.Extensions.AI;

namespace SLoRA.Extensions.AI.Tests.Conformance;

public sealed class BasicConformanceTests
{
    private readonly ConformanceModel _model = new ConformanceModel()
        .Knows("biggest animal", "The blue whale is.")
        .Knows("<|im_start|>assistant\nJakarta<|im_end|>", "Seattle is in America, Jakarta in Asia.")
        .Knows("1 + 2", "3")
        .Knows("Neil Armstrong", "That's one small step for man, one giant leap for mankind.")
        .Knows("how AI works", "It guesses the next word, and does so very often.");

    [Test]
    public async Task GetResponseAsync_SingleRequestMessage() =>
        Assert.That((await _model.Client.GetResponseAsync("What's the biggest animal?")).Text, Does.Contain("whale"));

    [Test]
    public async Task GetResponseAsync_MultipleRequestMessages()
    {
        ChatResponse response = await _model.Client.GetResponseAsync(
        [
            new(ChatRole.User, "Name a city"),
            new(ChatRole.Assistant, "Seattle"),
            new(ChatRole.User, "One more"),
            new(ChatRole.Assistant, "Jakarta"),
            new(ChatRole.User, "Which continents are they on?"),
        ]);
        Assert.That(response.Text, Does.Contain("America").And.Contain("Asia"));
    }

    [Test]
    public async Task GetResponseAsync_WithEmptyMessage()
    {
        ChatResponse response = await _model.Client.GetResponseAsync(
        [
            new(ChatRole.System, []), new(ChatRole.User, []), new(ChatRole.Assistant, []), new(ChatRole.User, "What is 1 + 2?"),
        ]);
        Assert.That(response.Text, Does.Contain("3"));
    }

    [Test]
    public async Task GetStreamingResponseAsync()
    {
        var text = new StringBuilder();
        await foreach (ChatResponseUpdate update in _model.Client.GetStreamingResponseAsync("What did Neil Armstrong say?"))
        {
            text.Append(update.Text);
        }

        Assert.That(text.ToString(), Does.Contain("one small step").And.Contain("one giant leap"));
    }

    [Test]
    public async Task GetResponseAsync_UsageDataAvailable()
    {
        UsageDetails? usage = (await _model.Client.GetResponseAsync("Explain how AI works")).Usage;
        Assert.That(usage?.InputTokenCount, Is.GreaterThan(1));
        Assert.That(usage?.OutputTokenCount, Is.GreaterThan(1));
        Assert.That(usage?.TotalTokenCount, Is.EqualTo(usage?.InputTokenCount + usage?.OutputTokenCount));
    }

    [Test]
    public async Task GetStreamingResponseAsync_UsageDataAvailable()
    {
        var options = new ChatOptions { AdditionalProperties = new() { ["stream_options"] = new Dictionary<string, object>() } };
        List<ChatResponseUpdate> updates =
            await _model.Client.GetStreamingResponseAsync("Explain how AI works", options).ToListAsync();
        Assert.That(updates, Has.Count.GreaterThan(1));
        UsageDetails usage = updates.SelectMany(update => update.Contents).OfType<UsageContent>().Single().Details;
        Assert.That(usage.InputTokenCount, Is.GreaterThan(1));
        Assert.That(usage.OutputTokenCount, Is.GreaterThan(1));
        Assert.That(usage.TotalTokenCount, Is.EqualTo(usage.InputTokenCount + usage.OutputTokenCount));
    }

    [Test]
    public async Task GetStreamingResponseAsync_AppendToHistory()
    {
        List<ChatMessage> history = [new(ChatRole.User, "Explain how AI works")];
        await history.AddMessagesAsync(_model.Client.GetStreamingResponseAsync(history));
        Assert.That(history.Select(message => message.Role), Is.EqualTo(new[] { ChatRole.User, ChatRole.Assistant }));
        Assert.That(history[1].Contents, Has.Count.EqualTo(1));
        Assert.That(((TextContent)history[1].Contents[0]).Text, Is.Not.Empty.And.EqualTo(history[1].Text));
    }

    [TestCase("image/png", TestName = "MultiModal_DescribeImage")]
    [TestCase("application/pdf", TestName = "MultiModal_DescribePdf")]
    public async Task MultiModal(string type)
    {
        // No model here sees: what it could not read is refused by name.
        var message = new ChatMessage(ChatRole.User, [new TextContent("What is it?"), new DataContent(new byte[] { 1, 2 }, type)]);
        InvalidRequestException? error = await Assert.ThrowsAsync<InvalidRequestException>(() => _model.Client.GetResponseAsync(message));
        Assert.That(error!.Message, Does.Contain(nameof(DataContent)));
    }

    [Test]
    public async Task InvalidModelParameter_ThrowsInvalidOperationException() => await Assert.ThrowsAsync<ModelNotFoundException>(
        () => _model.Client.GetResponseAsync("Hello", new ChatOptions { ModelId = "thismodeldoesnotexist" }));
}
