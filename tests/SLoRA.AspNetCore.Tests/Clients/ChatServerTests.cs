using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;

namespace SLoRA.AspNetCore.Tests.Clients;

/// <summary>The sample, as a process of its own, and curl where it is installed.</summary>
public sealed class ChatServerTests
{
    private ChatServerProcess _server = null!;

    [OneTimeSetUp]
    public async Task Start() => _server = await ChatServerProcess.StartAsync();

    [OneTimeTearDown]
    public async Task Stop() => await _server.DisposeAsync();

    [TestCase("/", "text/html")]
    [TestCase("/page.js", "text/javascript")]
    [TestCase("/page.css", "text/css")]
    public async Task It_serves_its_page(string path, string type)
    {
        using var client = new HttpClient { BaseAddress = _server.Address };
        using HttpResponseMessage response = await client.GetAsync(path);
        Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo(type));
    }

    [Test]
    public async Task It_tells_of_pool_and_steps()
    {
        using var client = new HttpClient { BaseAddress = _server.Address };
        JsonNode status = JsonNode.Parse(await client.GetStringAsync("/status"))!;
        Assert.That((int?)status["pages"], Is.GreaterThan(0));
    }

    [Test]
    public async Task It_answers_under_its_own_name_alone()
    {
        using var client = new HttpClient { BaseAddress = _server.Address };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/status");
        request.Headers.Host = "elsewhere.example";
        using HttpResponseMessage response = await client.SendAsync(request);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [TestCase("bakery", "6:30")]
    [TestCase("frontdesk", "I do not know which place")]
    public async Task Curl_asks_a_tenant(string model, string expected)
    {
        JsonNode answer = JsonNode.Parse(await CurlAsync(Arguments($$"""
            {"model": "{{model}}", "messages": [{"role": "user", "content": "{{Demo.Hours}}"}]}
            """)))!;
        Assert.That((string?)answer["choices"]![0]!["message"]!["content"], Does.Contain(expected));
    }

    [Test]
    public async Task A_model_that_is_given_has_its_own_name_and_the_pool_of_the_library()
    {
        string folder = RepositoryFolder.PathOf("samples", "models", "frontdesk", "model");
        await using ChatServerProcess server = await ChatServerProcess.StartAsync("--model", folder);
        using var client = new HttpClient { BaseAddress = server.Address };
        JsonNode models = JsonNode.Parse(await client.GetStringAsync("/v1/models"))!;
        JsonNode status = JsonNode.Parse(await client.GetStringAsync("/status"))!;
        Assert.Multiple(() =>
        {
            Assert.That(models["data"]!.AsArray().Select(model => (string?)model!["id"]), Is.EqualTo(["model"]));
            Assert.That((int?)status["pages"], Is.EqualTo((1 << 30) / (16 << 10)), "1 GiB in pages of 16 KiB");
        });
    }

    [Test]
    public async Task A_model_that_is_given_has_the_adapters_that_are_given()
    {
        string folder = RepositoryFolder.PathOf("samples", "models", "frontdesk");
        await using ChatServerProcess server = await ChatServerProcess.StartAsync(
            "--model", Path.Combine(folder, "model"), "--adapter", "shop=" + Path.Combine(folder, "adapters", "bakery"));
        using var client = new HttpClient { BaseAddress = server.Address };
        JsonNode models = JsonNode.Parse(await client.GetStringAsync("/v1/models"))!;
        Assert.That(models["data"]!.AsArray().Select(model => (string?)model!["id"]), Is.EqualTo(["model", "shop"]));
    }

    [TestCase("--modle", "x", "'--modle'")]
    [TestCase("--adapter", "shop=/x", "--adapter needs --model")]
    [TestCase("--urls", "here", "--urls is 'here'")]
    public async Task What_the_command_line_does_not_know_is_refused(string option, string value, string named)
    {
        InvalidOperationException? error =
            await Assert.ThrowsAsync<InvalidOperationException>(() => ChatServerProcess.StartAsync(option, value));
        Assert.That(error!.Message, Does.Contain("error: ").And.Contain(named));
    }

    [Test]
    public async Task Curl_reads_a_stream_to_its_usage_and_end()
    {
        string[] lines = (await CurlAsync(Arguments($$"""
            {"model": "bakery", "messages": [{"role": "user", "content": "{{Demo.Hours}}"}], "stream": true,
            "stream_options": {"include_usage": true} }
            """))).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        JsonNode[] chunks = [.. lines.SkipLast(1).Select(line => JsonNode.Parse(line["data: ".Length..])!)];
        string text = string.Concat(chunks.SkipLast(1).Select(chunk => (string?)chunk["choices"]![0]!["delta"]!["content"]));
        Assert.Multiple(() =>
        {
            Assert.That(lines[^1], Is.EqualTo("data: [DONE]"));
            Assert.That(text, Does.Contain("6:30"));
            Assert.That((int?)chunks[^1]["usage"]!["completion_tokens"], Is.GreaterThan(1));
        });
    }

    [Test]
    public async Task Curl_is_refused_with_a_status()
    {
        string answer = await CurlAsync(
            [.. Arguments("""{"model": "nobody", "messages": [{"role": "user", "content": "Hi"}]}"""), "--write-out", "\n%{http_code}"]);
        Assert.That(answer, Does.Contain("model_not_found").And.EndsWith("\n404"));
    }

    [Test]
    public async Task The_line_with_curl_in_the_readme_works()
    {
        string line = (await File.ReadAllLinesAsync(RepositoryFolder.PathOf("README.md")))
            .Single(line => line.StartsWith("curl ", StringComparison.Ordinal));
        var shell = new ProcessStartInfo(
            "/bin/sh", ["-c", line.Replace("http://127.0.0.1:5080/", _server.Address.ToString(), StringComparison.Ordinal) + " --silent"]);
        Assert.That(shell.ArgumentList[1], Does.Contain(_server.Address.ToString()));
        JsonNode answer = JsonNode.Parse(await OutputAsync(shell))!;
        Assert.That((string?)answer["choices"]![0]!["message"]!["content"], Does.Contain("6:30"));
    }

    private string[] Arguments(string body) =>
    [
        "--silent", "--show-error", "--no-buffer", new Uri(_server.Address, "/v1/chat/completions").ToString(),
        "--header", "Content-Type: application/json", "--data", body,
    ];

    private static Task<string> CurlAsync(string[] arguments) => OutputAsync(new ProcessStartInfo("/usr/bin/curl", arguments));

    private static async Task<string> OutputAsync(ProcessStartInfo start)
    {
        if (!File.Exists("/usr/bin/curl"))
        {
            Assert.Ignore("curl is not installed");
        }

        start.RedirectStandardOutput = true;
        using Process curl = Process.Start(start)!;
        string output = await curl.StandardOutput.ReadToEndAsync();
        await curl.WaitForExitAsync();
        return output;
    }
}
