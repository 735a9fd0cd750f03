using System.Net;
using System.Text;
using SLoRA.HuggingFace.Tests.Scenarios;

namespace SLoRA.HuggingFace.Tests.Protocol;

/// <summary>Answers that no Hub gives: each is an error of its kind, whatever it would make the runtime say.</summary>
public sealed class HostileAnswerTests : HubScenario
{
    private const string Id = "acme/hostile";
    private const string Commit = "1111111111111111111111111111111111111111";
    private const string Blob = "2222222222222222222222222222222222222222";
    private const string OtherBlob = "3333333333333333333333333333333333333333";

    [TestCase("//")]
    [TestCase("//[")]
    [TestCase("//a b/")]
    [TestCase("//xn--a-\u00ff/")]
    public async Task A_redirection_to_what_is_no_address(string location)
    {
        using HttpClient http = Answering(_ => Text("", ("Location", location), status: HttpStatusCode.TemporaryRedirect));
        using var client = new HubClient(http, Options(token: "hf_good"));
        await RefusedAsync(HubErrorKind.Protocol, () => client.DownloadAsync(Id));
        await RefusedAsync(HubErrorKind.Protocol, () => client.DownloadFileAsync(Id, "config.json"));
    }

    [Test]
    public async Task A_commit_that_is_not_Unicode()
    {
        using HttpClient http = Answering(_ => Text("""{"sha":"\ud800"}"""));
        using var client = new HubClient(http, Options());
        await RefusedAsync(HubErrorKind.Protocol, () => client.DownloadAsync(Id));
    }

    [TestCase(long.MaxValue)]
    [TestCase(1L << 52)]
    [TestCase(-1)]
    public async Task A_size_that_no_file_has(long size)
    {
        string[] names = ["config.json", "model.safetensors.index.json"];
        using HttpClient http = Answering(address => address.Contains("/resolve/", StringComparison.Ordinal)
            ? Text("", ("X-Repo-Commit", Commit), ("X-Linked-ETag", $"\"{Blob}\""), ("X-Linked-Size", $"{size}"))
            : Listing(address, File(names[0], size, Blob), File(names[1], size, OtherBlob)));
        using var client = new HubClient(http, Options());
        await RefusedAsync(HubErrorKind.Protocol, () => client.DownloadAsync(Id));
        await RefusedAsync(HubErrorKind.Protocol, () => client.DownloadFileAsync(Id, "config.json"));
        Assert.That(Directory.Exists(Cache), Is.False);
    }

    [TestCase("br")]
    [TestCase("gzip")]
    [TestCase("deflate")]
    public async Task A_body_that_is_not_in_the_encoding_that_it_names(string encoding)
    {
        using HttpClient http = Answering(address => address.Contains("/resolve/", StringComparison.Ordinal)
            ? Text("xxxxx", ("Content-Encoding", encoding))
            : Listing(address, File("config.json", 5, Blob), File("model.safetensors", 5, OtherBlob)));
        using var client = new HubClient(http, Options());
        await RefusedAsync(HubErrorKind.WrongContent, () => client.DownloadAsync(Id));
    }

    private static string File(string path, long size, string blob) =>
        $$"""{"type":"file","path":"{{path}}","size":{{size}},"oid":"{{blob}}"}""";

    private static HttpResponseMessage Listing(string address, params string[] files) =>
        Text(address.Contains("/revision/", StringComparison.Ordinal) ? $$"""{"sha":"{{Commit}}"}""" : $"[{string.Join(',', files)}]");

    private static HttpResponseMessage Text(
        string text, (string Name, string Value) first = default, (string Name, string Value) second = default,
        (string Name, string Value) third = default, HttpStatusCode status = HttpStatusCode.OK)
    {
        var answer = new HttpResponseMessage(status) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(text)) };
        foreach ((string name, string value) in new[] { first, second, third })
        {
            if (name is not null && !answer.Headers.TryAddWithoutValidation(name, value))
            {
                answer.Content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return answer;
    }

    private static HttpClient Answering(Func<string, HttpResponseMessage> answer) => new(new Handler(answer));

    private sealed class Handler(Func<string, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            // What the runtime's own handler does first.
            _ = request.RequestUri!.IdnHost;
            HttpResponseMessage given = answer(request.RequestUri.AbsolutePath);
            given.RequestMessage = request;
            return Task.FromResult(given);
        }
    }
}
