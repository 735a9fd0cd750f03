using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;

namespace SLoRA.AspNetCore.Tests.Clients;

/// <summary>The sample, as a process of its own, and curl where it is installed.</summary>
public sealed class ChatServerTests
{
    private const string Listening = "Now listening on: ";

    private Process _server = null!;
    private Task _rest = null!;
    private Uri _address = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        string configuration = Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)))!;
        string program = RepositoryFolder.PathOf("samples", "ChatServer", "bin", configuration, "net10.0", "ChatServer.dll");
        _server = Process.Start(new ProcessStartInfo("dotnet", [program, "--urls", "http://127.0.0.1:0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = _server.StandardError.ReadToEndAsync();
        while (await _server.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Contains(Listening, StringComparison.Ordinal))
            {
                _address = new Uri(line[(line.IndexOf(Listening, StringComparison.Ordinal) + Listening.Length)..]);
                _rest = _server.StandardOutput.ReadToEndAsync();
                return;
            }
        }

        Assert.Fail("The sample did not start: " + await errors);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        _server.Kill();
        await _server.WaitForExitAsync();
        await (_rest ?? Task.CompletedTask);
        _server.Dispose();
    }

    [TestCase("/", "text/html")]
    [TestCase("/page.js", "text/javascript")]
    [TestCase("/page.css", "text/css")]
    public async Task It_serves_its_page(string path, string type)
    {
        using var client = new HttpClient { BaseAddress = _address };
        using HttpResponseMessage response = await client.GetAsync(path);
        Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo(type));
    }

    [Test]
    public async Task It_tells_of_pool_and_steps()
    {
        using var client = new HttpClient { BaseAddress = _address };
        JsonNode status = JsonNode.Parse(await client.GetStringAsync("/status"))!;
        Assert.That((int?)status["pages"], Is.GreaterThan(0));
    }

    [Test]
    public async Task It_answers_under_its_own_name_alone()
    {
        using var client = new HttpClient { BaseAddress = _address };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/status");
        request.Headers.Host = "elsewhere.example";
        using HttpResponseMessage response = await client.SendAsync(request);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [TestCase("bakery", "6:30")]
    [TestCase("frontdesk", "I do not know which place")]
    public async Task Curl_asks_a_tenant(string model, string expected)
    {
        if (!File.Exists("/usr/bin/curl"))
        {
            Assert.Ignore("curl is not installed");
        }

        var start = new ProcessStartInfo("/usr/bin/curl", [
            "--silent", "--show-error", "--no-buffer", new Uri(_address, "/v1/chat/completions").ToString(),
            "--header", "Content-Type: application/json",
            "--data", $$"""{"model": "{{model}}", "messages": [{"role": "user", "content": "{{Demo.Hours}}"}]}""",
        ])
        { RedirectStandardOutput = true };
        using Process curl = Process.Start(start)!;
        JsonNode answer = JsonNode.Parse(await curl.StandardOutput.ReadToEndAsync())!;
        await curl.WaitForExitAsync();
        Assert.That((string?)answer["choices"]![0]!["message"]!["content"], Does.Contain(expected));
    }
}
