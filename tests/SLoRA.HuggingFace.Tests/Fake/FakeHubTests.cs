using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace SLoRA.HuggingFace.Tests.Fake;

/// <summary>The fake itself: it answers what was recorded.</summary>
public sealed class FakeHubTests
{
    /// <summary>Headers whose values hang on how the recorded server wrote its texts.</summary>
    private static readonly string[] NotCompared = ["transfer-encoding", "vary"];

    private FakeHub _hub = null!;
    private HttpClient _http = null!;

    public static IEnumerable<TestCaseData> Protocol() => File.ReadLines(RepositoryFolder.Hub("protocol.jsonl")).Select((line, i) =>
    {
        JsonObject exchange = JsonNode.Parse(line)!.AsObject();
        return new TestCaseData(line).SetArgDisplayNames($"{i + 1} {exchange["method"]} {exchange["path"]}");
    });

    public static IEnumerable<string> Transcripts() =>
        Directory.GetFiles(RepositoryFolder.HubFixtures.First(), "requests-*.jsonl").Select(path => Path.GetFileName(path))
            .Order(StringComparer.Ordinal);

    [SetUp]
    public async Task Start()
    {
        _hub = await FakeHub.StartAsync();
        _http = new HttpClient(HubClient.CreateHandler());
    }

    [TearDown]
    public async Task Stop()
    {
        _http.Dispose();
        await _hub.DisposeAsync();
    }

    [TestCaseSource(nameof(Protocol))]
    public async Task Plain_requests_are_answered_as_recorded(string line) => await CompareAsync(JsonNode.Parse(line)!.AsObject());

    [TestCaseSource(nameof(Transcripts))]
    public async Task The_requests_of_the_python_client_are_answered_as_recorded(string transcript)
    {
        int compared = 0;
        foreach (JsonObject exchange in File.ReadLines(RepositoryFolder.Hub(transcript)).Select(line => JsonNode.Parse(line)!.AsObject()))
        {
            if ((int?)exchange["status"] is null)
            {
                continue;
            }

            // Where main has moved, the recorded answer tells.
            string commit = (string?)exchange["response"]!["x-repo-commit"] ?? "";
            if (_hub.Content.Repositories["acme/tiny-llama"].Later.ContainsValue(commit))
            {
                _hub.Move("acme/tiny-llama");
            }

            if (exchange["fault"] is { } fault)
            {
                HubFault broken = HubFault.Of(fault.AsObject());
                _hub.Break(new HubFault
                {
                    AtCdn = (string)exchange["to"]! == "CDN",
                    Status = broken.Status,
                    Headers = broken.Headers,
                    Set = broken.Set,
                    Size = broken.Size,
                    Corrupt = broken.Corrupt,
                    Gzip = broken.Gzip,
                    IgnoreRange = broken.IgnoreRange,
                });
            }

            await CompareAsync(exchange);
            compared++;
        }

        Assert.That(compared, Is.GreaterThan(0));
    }

    private async Task CompareAsync(JsonObject exchange)
    {
        Uri server = (string)exchange["to"]! == "HUB" ? _hub.Hub : _hub.Cdn;
        var options = new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true };
        using var request = new HttpRequestMessage(
            new HttpMethod((string)exchange["method"]!), new Uri(server.AbsoluteUri.TrimEnd('/') + exchange["path"], options));
        foreach ((string name, JsonNode? value) in exchange["request"]!.AsObject())
        {
            request.Headers.TryAddWithoutValidation(name, Token((string)value!));
        }

        using HttpResponseMessage response = await _http.SendAsync(request);
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        var headers = response.Headers.Concat(response.Content.Headers)
            .ToDictionary(header => header.Key.ToLowerInvariant(), header => Named(string.Join(", ", header.Value)));

        Assert.Multiple(() =>
        {
            Assert.That(response.StatusCode, Is.EqualTo((HttpStatusCode)(int)exchange["status"]!), exchange.ToJsonString());
            bool isFile = headers.ContainsKey("accept-ranges");
            foreach ((string name, JsonNode? value) in exchange["response"]!.AsObject())
            {
                bool isOfText = name == "content-length" && !isFile && !headers.ContainsKey("content-range");
                bool isOfFault = exchange["fault"]?["headers"]?[name] is null && name is "x-error-message" or "x-error-code"
                    && exchange["fault"] is not null;
                if (!NotCompared.Contains(name) && !isOfText && !isOfFault)
                {
                    Assert.That(headers.GetValueOrDefault(name), Is.EqualTo((string)value!), $"{name} of {exchange["path"]}");
                }
            }

            if (exchange["json"] is { } json)
            {
                Assert.That(Comparable(JsonNode.Parse(body)!).ToJsonString(), Is.EqualTo(Comparable(json.DeepClone()).ToJsonString()));
            }

            if (exchange["body_sha256"] is { } hash && isFile)
            {
                Assert.That(Convert.ToHexStringLower(SHA256.HashData(body)), Is.EqualTo((string)hash!));
            }
        });
    }

    private static string Token(string value) => value switch
    {
        "Bearer token" => "Bearer hf_good",
        "Bearer token-other" => "Bearer hf_other",
        _ => value,
    };

    private string Named(string value) =>
        value.Replace(_hub.Hub.Authority, "HUB", StringComparison.Ordinal).Replace(_hub.Cdn.Authority, "CDN", StringComparison.Ordinal);

    /// <summary>Ids of folders are nobody's business.</summary>
    private static JsonNode Comparable(JsonNode json)
    {
        foreach (JsonNode? entry in json as JsonArray ?? [])
        {
            if ((string?)entry!["type"] == "directory")
            {
                entry["oid"] = "";
            }
        }

        return json;
    }
}
