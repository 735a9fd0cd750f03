using System.Net;
using System.Text.Json.Nodes;
using SLoRA.AspNetCore.Authentication;
using SLoRA.Tests;

namespace SLoRA.AspNetCore.Tests.Administration;

public sealed class AdapterAdministrationTests
{
    private const string Load = "/v1/load_lora_adapter";
    private const string Unload = "/v1/unload_lora_adapter";
    private const string Operator = "operator-key";
    private const string Tenant = "tenant-key";

    private string _outside = null!;
    private string _root = null!;
    private Site _site = null!;

    [SetUp]
    public async Task Start()
    {
        string folder = Directory.CreateTempSubdirectory("slora-web-").FullName;
        _root = Path.Combine(folder, "root");
        _outside = Path.Combine(folder, "outside");
        Copy(Demo.Adapter("bakery"), Path.Combine(_root, "bakery"));
        Copy(Demo.Adapter("hotel"), Path.Combine(_root, "hotel"));
        Copy(Demo.Adapter("clinic"), _outside);
        _site = await Site.StartAsync(
            services: services =>
            {
                services.AddAuthentication(ApiKeyExtensions.Scheme).AddSLoRAApiKeys(
                    [new ApiKey("ops", ApiKey.HashOf(Operator), ["*"]), new ApiKey("bakery", ApiKey.HashOf(Tenant), ["bakery"])]);
                services.AddAuthorization(options => options.AddPolicy("operators", policy => policy.RequireUserName("ops")));
            },
            map: (app, generator) =>
            {
                app.MapSLoRA(generator);
                app.MapSLoRAAdministration(generator, "operators", [_root]);
            });
    }

    [TearDown]
    public async Task Stop()
    {
        await _site.DisposeAsync();
        Directory.Delete(Path.GetDirectoryName(_root)!, recursive: true);
    }

    [Test]
    public async Task An_adapter_is_loaded_replaced_and_removed_while_the_server_runs()
    {
        (HttpStatusCode loaded, JsonNode first) = await ChangeAsync(Load, "new", "bakery");
        (HttpStatusCode again, _) = await ChangeAsync(Load, "new", "hotel");
        (HttpStatusCode replaced, JsonNode second) = await ChangeAsync(Load, "new", Path.Combine(_root, "hotel"), inPlace: true);
        string? known = (await _site.Generator.CompleteAsync(Demo.Request("hotel"))).Usage.Generations[0];
        (HttpStatusCode removed, _) = await ChangeAsync(Unload, "new", null);
        (HttpStatusCode gone, _) = await ChangeAsync(Unload, "new", null);
        Assert.Multiple(() =>
        {
            Assert.That(loaded, Is.EqualTo(HttpStatusCode.OK), first.ToJsonString());
            Assert.That(again, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(replaced, Is.EqualTo(HttpStatusCode.OK), second.ToJsonString());
            Assert.That((string?)first["generation"], Is.Not.Null.And.Not.EqualTo(known));
            Assert.That((string?)second["generation"], Is.EqualTo(known), "both names have the same content");
            Assert.That(removed, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(gone, Is.EqualTo(HttpStatusCode.NotFound));
        });
    }

    [Test]
    public async Task A_folder_of_MLX_is_an_adapter_too()
    {
        MlxFolder.Of(Demo.Adapter("bakery")).Write(Directory.CreateDirectory(Path.Combine(_root, "mlx")).FullName);
        (HttpStatusCode status, JsonNode body) = await ChangeAsync(Load, "new", "mlx");
        string? known = (await _site.Generator.CompleteAsync(Demo.Request("bakery"))).Usage.Generations[0];
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.OK), body.ToJsonString());
            Assert.That((string?)body["generation"], Is.EqualTo(known), "both have the same content");
        });
    }

    [TestCase("../outside")]
    [TestCase("bakery/../../outside")]
    [TestCase(".")]
    [TestCase("")]
    [TestCase("nobody")]
    [TestCase("bakery\0")]
    [TestCase("/")]
    public async Task No_path_leads_out_of_the_roots(string path)
    {
        (HttpStatusCode status, JsonNode body) = await ChangeAsync(Load, "new", path);
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.Forbidden).Or.EqualTo(HttpStatusCode.BadRequest), body.ToJsonString());
            Assert.That(_site.Engine.Adapters.Contains("new"), Is.False);
        });
    }

    [Test]
    public async Task An_absolute_path_and_links_do_not_lead_out_either()
    {
        Directory.CreateSymbolicLink(Path.Combine(_root, "link"), _outside);
        Directory.CreateDirectory(Path.Combine(_root, "mixed"));
        foreach (string file in Directory.GetFiles(_outside))
        {
            File.CreateSymbolicLink(Path.Combine(_root, "mixed", Path.GetFileName(file)), file);
        }

        foreach (string path in (string[])[_outside, "link", Path.Combine(_root, "link"), "mixed", "../root2"])
        {
            (HttpStatusCode status, _) = await ChangeAsync(Load, "new", path);
            Assert.That(status, Is.EqualTo(HttpStatusCode.Forbidden), path);
        }

        Assert.That(_site.Engine.Adapters.Contains("new"), Is.False);
    }

    [Test]
    public async Task A_link_that_stays_below_the_root_is_followed()
    {
        Directory.CreateSymbolicLink(Path.Combine(_root, "alias"), Path.Combine(_root, "bakery"));
        (HttpStatusCode status, JsonNode body) = await ChangeAsync(Load, "new", "alias");
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), body.ToJsonString());
    }

    [TestCase(null, HttpStatusCode.Unauthorized)]
    [TestCase("wrong", HttpStatusCode.Unauthorized)]
    [TestCase(Tenant, HttpStatusCode.Forbidden)]
    public async Task Only_callers_of_the_policy_may_change_adapters(string? key, HttpStatusCode expected)
    {
        (HttpStatusCode status, JsonNode body) = await ChangeAsync(Load, "new", "bakery", key: key);
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(expected));
            Assert.That((string?)body["error"]!["message"], Is.Not.Empty);
            Assert.That(_site.Engine.Adapters.Contains("new"), Is.False);
        });
    }

    [Test]
    public async Task The_bases_name_is_no_adapters()
    {
        (HttpStatusCode status, _) = await ChangeAsync(Load, "model", "bakery");
        Assert.That(status, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [Test]
    public async Task Nothing_is_administered_unless_it_is_mapped()
    {
        await using Site site = await Site.StartAsync();
        using HttpResponseMessage response = await site.SendAsync(Load, """{"lora_name": "new", "lora_path": "x"}""");
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    private Task<(HttpStatusCode Status, JsonNode Body)> ChangeAsync(
        string path, string name, string? folder, bool inPlace = false, string? key = Operator)
    {
        var body = new JsonObject { ["lora_name"] = name };
        if (folder is not null)
        {
            body["lora_path"] = folder;
            body["load_inplace"] = inPlace;
        }

        return _site.PostAsync(path, body.ToJsonString(), key);
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
    }
}
