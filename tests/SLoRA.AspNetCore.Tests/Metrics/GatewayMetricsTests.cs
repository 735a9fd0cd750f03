namespace SLoRA.AspNetCore.Tests.Metrics;

public sealed class GatewayMetricsTests
{
    [Test]
    public async Task A_gateway_sees_who_runs()
    {
        await using Site site = await Site.StartAsync(map: (app, generator) =>
        {
            app.MapSLoRA(generator);
            app.MapSLoRAMetrics(generator, maxAdapters: 12);
        });
        using var leaving = new CancellationTokenSource();
        Task<HttpResponseMessage> running = site.SendAsync(
            "/v1/chat/completions",
            """
            {"model": "hotel", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1000,
            "ignore_eos": true, "stream": true}
            """,
            cancellation: leaving.Token);
        using HttpResponseMessage begun = await running;
        string busy = await site.Client.GetStringAsync("/metrics");
        begun.Dispose();
        await site.IdleAsync();
        string idle = await site.Client.GetStringAsync("/metrics");
        Assert.Multiple(() =>
        {
            Assert.That(
                busy,
                Does.Contain("vllm:lora_requests_info{max_lora=\"12\",running_lora_adapters=\"hotel\",waiting_lora_adapters=\"\"} "));
            Assert.That(busy, Does.Contain("vllm:num_requests_running{model_name=\"model\"} 1\n"));
            Assert.That(idle, Does.Contain("running_lora_adapters=\"\""));
            Assert.That(idle, Does.Contain("vllm:num_requests_running{model_name=\"model\"} 0\n"));
            Assert.That(idle, Does.Match("vllm:kv_cache_usage_perc\\{model_name=\"model\"\\} 0(\\.\\d+)?\n"));
        });
    }
}
