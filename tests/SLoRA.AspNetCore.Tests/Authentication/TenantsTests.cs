using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using System.Threading.RateLimiting;
using SLoRA.AspNetCore.Authentication;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Tests.Authentication;

public sealed class TenantsTests
{
    private const string Path = "/v1/chat/completions";
    private const string BakeryKey = "sk-bakery-0123456789";
    private const string HotelKey = "sk-hotel-0123456789";

    private ScriptedEngine _engine = null!;
    private Site _site = null!;

    [OneTimeSetUp]
    public async Task Start() => _site = await Site.StartAsync(
        services: services =>
        {
            services.AddAuthentication(ApiKeyExtensions.Scheme).AddSLoRAApiKeys(
            [
                new ApiKey("bakery-ltd", ApiKey.HashOf(BakeryKey), ["bakery", "model"]),
                new ApiKey("hotel-ltd", ApiKey.HashOf(HotelKey), ["hotel"]),
            ]);
            services.AddAuthorization();
            services.AddRateLimiter(limits =>
            {
                limits.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
                limits.AddPolicy("tenants", http => RateLimitPartition.GetFixedWindowLimiter(
                    http.User.Identity?.Name ?? "",
                    _ => new FixedWindowRateLimiterOptions { PermitLimit = 8, Window = TimeSpan.FromDays(1) }));
            });
        },
        map: (app, generator) =>
        {
            app.UseAuthentication();
            app.UseAuthorization();
            app.UseRateLimiter();
            _engine = new ScriptedEngine(generator.Engine, 5, 6, 7);
            app.MapSLoRA(new TextGenerator(_engine, Demo.Tokenizer), new SLoraHttpOptions { MayUse = ApiKeyExtensions.MayUse })
                .RequireAuthorization();
            app.MapGroup("/limited")
                .MapSLoRA(new TextGenerator(_engine, Demo.Tokenizer), new SLoraHttpOptions { MayUse = ApiKeyExtensions.MayUse })
                .RequireAuthorization().RequireRateLimiting("tenants");
        });

    [OneTimeTearDown]
    public async Task Stop() => await _site.DisposeAsync();

    [TestCase(null)]
    [TestCase("sk-bakery-012345678")]
    [TestCase("")]
    public async Task Nobody_is_answered_without_a_key_that_is_known(string? key)
    {
        (HttpStatusCode status, JsonNode body) = await _site.PostAsync(Path, Body("bakery"), key);
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That((string?)body["error"]!["code"], Is.EqualTo("invalid_api_key"));
        });
    }

    [TestCase("Bearer")]
    [TestCase("Bearer  ")]
    [TestCase("Basic c2stYmFrZXJ5LTAxMjM0NTY3ODk=")]
    [TestCase("Bearer sk-bakery-0123456789, Bearer sk-hotel-0123456789")]
    [TestCase("sk-bakery-0123456789")]
    public async Task A_header_that_is_no_key_of_one_tenant_opens_nothing(string header)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.TryAddWithoutValidation("Authorization", header);
        using HttpResponseMessage response = await _site.Client.SendAsync(request);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    private static IEnumerable<TestCaseData> Unusable()
    {
        string hash = ApiKey.HashOf("key");
        var good = new ApiKey("bakery", hash, ["bakery"]);
        yield return Keys("no client", good with { Client = "" });
        yield return Keys("a long client", good with { Client = new string('x', GenerationOptions.MaxIdLength + 1) });
        yield return Keys("the key in the place of its hash", good with { Hash = "key" });
        yield return Keys("no hash", good with { Hash = null! });
        yield return Keys("an empty list of models", good with { Models = [] });
        yield return Keys("no models", good with { Models = null! });
        yield return Keys("a model without a name", good with { Models = [""] });
        yield return Keys("one key of two", good, good with { Client = "hotel", Hash = hash.ToUpperInvariant() });

        static TestCaseData Keys(string name, params ApiKey[] keys) => new TestCaseData([keys]).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Unusable))]
    public void Keys_that_cannot_be_are_refused_before_the_server_starts(ApiKey[] keys)
    {
        var services = new ServiceCollection();
        Assert.That(
            () => services.AddAuthentication(ApiKeyExtensions.Scheme).AddSLoRAApiKeys(keys),
            Throws.TypeOf<InvalidOptionException>().With.Property(nameof(InvalidOptionException.Option)).EqualTo("Keys"));
    }

    [TestCase(BakeryKey, "bakery", HttpStatusCode.OK)]
    [TestCase(BakeryKey, "model", HttpStatusCode.OK)]
    [TestCase(BakeryKey, "hotel", HttpStatusCode.NotFound)]
    [TestCase(HotelKey, "hotel", HttpStatusCode.OK)]
    [TestCase(HotelKey, "model", HttpStatusCode.NotFound)]
    public async Task A_key_opens_its_own_models_and_no_other_exists_for_it(string key, string model, HttpStatusCode expected)
    {
        (HttpStatusCode status, _) = await _site.PostAsync(Path, Body(model), key);
        Assert.That(status, Is.EqualTo(expected));
    }

    [Test]
    public async Task A_request_is_made_for_its_tenant_and_shares_nothing_with_others()
    {
        await _site.PostAsync(Path, Body("hotel"), HotelKey);
        Assert.Multiple(() =>
        {
            Assert.That(_engine.Asked!.ClientId, Is.EqualTo("hotel-ltd"));
            Assert.That(_engine.Asked.CacheSalt, Is.EqualTo("hotel-ltd"));
            Assert.That(_engine.Asked.RequestId, Does.StartWith("chatcmpl-"));
        });
    }

    [Test]
    public async Task A_list_has_the_callers_models_alone()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", BakeryKey);
        using HttpResponseMessage response = await _site.Client.SendAsync(request);
        JsonNode list = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.That(list["data"]!.AsArray().Select(model => (string?)model!["id"]), Is.EqualTo(["model", "bakery"]));
    }

    [Test]
    public async Task A_tenant_beyond_its_rate_holds_up_no_other()
    {
        var statuses = new List<HttpStatusCode>();
        for (int i = 0; i < 9; i++)
        {
            using HttpResponseMessage response = await _site.SendAsync("/limited" + Path, Body("bakery"), BakeryKey);
            statuses.Add(response.StatusCode);
        }

        using HttpResponseMessage other = await _site.SendAsync("/limited" + Path, Body("hotel"), HotelKey);
        Assert.Multiple(() =>
        {
            Assert.That(statuses.Take(8), Is.All.EqualTo(HttpStatusCode.OK));
            Assert.That(statuses[8], Is.EqualTo(HttpStatusCode.TooManyRequests));
            Assert.That(other.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        });
    }

    private static string Body(string model) => $$"""{"model": "{{model}}", "messages": [{"role": "user", "content": "Hi"}]}""";
}
