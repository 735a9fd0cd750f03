using System.Diagnostics;
using Microsoft.Extensions.AI;

namespace SLoRA.Extensions.AI.Tests.Conformance;

public sealed class OpenTelemetryConformanceTests
{
    [TestCase(false, TestName = "OpenTelemetry_CanEmitTracesAndMetrics")]
    [TestCase(true, TestName = "OpenTelemetry_CanEmitTracesAndMetrics_Streaming")]
    public async Task OpenTelemetry_CanEmitTracesAndMetrics(bool streams)
    {
        using var spans = new RecordedSpans();
        IChatClient client = new ConformanceModel().Knows("animal", "The blue whale is.").Client
            .AsBuilder().UseOpenTelemetry(sourceName: spans.Source).Build();
        var options = new ChatOptions { ModelId = "bakery" };
        ChatResponse response = streams
            ? await client.GetStreamingResponseAsync("What's the biggest animal?", options).ToChatResponseAsync()
            : await client.GetResponseAsync("What's the biggest animal?", options);
        Activity span = spans.Ended.Single();
        Assert.That(span.DisplayName, Is.EqualTo("chat bakery"));
        Assert.That(span.GetTagItem("gen_ai.provider.name"), Is.EqualTo("slora"));
        Assert.That(span.GetTagItem("gen_ai.request.model"), Is.EqualTo("bakery"));
        Assert.That(span.GetTagItem("gen_ai.response.model"), Is.EqualTo("bakery"));
        Assert.That(span.GetTagItem("gen_ai.response.id"), Is.EqualTo(response.ResponseId));
        Assert.That(span.GetTagItem("server.address"), Is.EqualTo("engine.example"));
        Assert.That(span.GetTagItem("server.port"), Is.EqualTo(8123));
        Assert.That((int)span.GetTagItem("gen_ai.usage.input_tokens")!, Is.EqualTo(response.Usage!.InputTokenCount).And.Positive);
        Assert.That((int)span.GetTagItem("gen_ai.usage.output_tokens")!, Is.EqualTo(response.Usage.OutputTokenCount).And.Positive);
    }
}
