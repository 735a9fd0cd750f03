using System.Net;

namespace SLoRA.HuggingFace.Tests.Scenarios;

/// <summary>Tokens, and repositories that are not for everybody.</summary>
public sealed class AccessScenarioTests : HubScenario
{
    private const string Private = "acme/private-model";
    private const string Gated = "acme/gated-model";

    [Test]
    [Scenario("tokens")]
    public async Task Tokens_private_and_gated_repositories_refused_and_allowed()
    {
        HubClient none = Client();
        HubClient other = Client(Options(token: "hf_other"));
        HubClient invalid = Client(Options(token: "hf_invalid"));
        await RefusedAsync(HubErrorKind.RepositoryNotFound, () => none.DownloadFileAsync(Private, "config.json"));
        await RefusedAsync(HubErrorKind.RepositoryNotFound, () => other.DownloadFileAsync(Private, "config.json"));
        await RefusedAsync(HubErrorKind.Unauthorized, () => invalid.DownloadFileAsync(Private, "config.json"));
        HubException wrong = await RefusedAsync(HubErrorKind.Unauthorized, () => invalid.DownloadFileAsync(TinyLlama, "config.json"));
        await RefusedAsync(HubErrorKind.RepositoryNotFound, () => none.DownloadFileAsync("acme/absent", "config.json"));
        await RefusedAsync(
            HubErrorKind.RepositoryNotFound, () => Client(Options(token: "hf_good")).DownloadFileAsync("acme/absent", "config.json"));
        await RefusedAsync(HubErrorKind.Gated, () => none.DownloadFileAsync(Gated, "config.json"));
        await RefusedAsync(HubErrorKind.Gated, () => other.DownloadFileAsync(Gated, "config.json"));
        Assert.That(Hub.Exchanges, Has.Length.EqualTo(8), "a refusal is not asked again");
        HubException gated = await RefusedAsync(HubErrorKind.Gated, () => none.DownloadAsync(Gated));
        await RefusedAsync(HubErrorKind.RepositoryNotFound, () => none.DownloadAsync(Private));
        Assert.Multiple(() =>
        {
            Assert.That(gated.Status, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(gated.Message, Does.Contain("Please log in"), "what the Hub says is passed on");
            Assert.That(wrong.Message, Does.Contain("Invalid credentials").And.Not.Contain("hf_invalid"));
        });
        AssertLayout("tokens-refused", layout =>
        {
            WithoutNamesOfNothing(layout);

            // The locks of files that were refused, and the mark of a cache, come with the first try for a file's bytes; Python asks for
            // its hash before.
            layout[".locks"] = layout[".locks/models--acme--gated-model"] = "folder";
            layout["models--acme--gated-model/blobs"] = "folder";
            foreach (string path in Layouts.LayoutEntry.Read(Cache).Keys.Where(path => path.EndsWith(".lock", StringComparison.Ordinal)))
            {
                layout[path] = Layouts.LayoutEntry.OfFile("");
            }

            layout["CACHEDIR.TAG"] = Layouts.LayoutFixture.Read("file-main").Expected()["CACHEDIR.TAG"];
        });

        HubClient good = Client(Options(token: " hf_good\n"));
        await good.DownloadFileAsync(Private, "config.json");
        await good.DownloadFileAsync(Private, "model.safetensors");
        await good.DownloadAsync(Gated);
        int before = Hub.Exchanges.Length;
        await none.DownloadFileAsync(TinyLlama, "config.json");
        await none.DownloadFileAsync(TinyLlama, "tokenizer.json");
        Assert.That(Hub.Exchanges[before..].Select(exchange => exchange.Authorization), Is.All.Null);
        await good.DownloadFileAsync(TinyLlama, "README.md", "refs/pr/1");
        await other.DownloadFileAsync(TinyLlama, "README.md");
        await good.DownloadFileAsync(TinyLlama, ".gitattributes");

        // The token is gone, and what it once opened is here.
        string cached = await none.DownloadFileAsync(Private, "config.json");
        Assert.That(cached, Does.EndWith("config.json"));
        AssertLayout("tokens");
    }

    [Test]
    public void A_token_that_cannot_be_sent_is_refused_without_being_shown()
    {
        var error = Assert.Throws<InvalidOptionException>(() => Client(Options(token: "hf_é")));
        Assert.That(error!.Message, Does.Not.Contain("hf_"));
    }
}
