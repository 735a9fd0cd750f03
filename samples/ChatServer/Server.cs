using Microsoft.AspNetCore.HostFiltering;
using Samples;
using SLoRA;
using SLoRA.AspNetCore;
using SLoRA.Text;

namespace ChatServer;

/// <summary>One engine behind a page and endpoints.</summary>
internal static class Server
{
    /// <summary>Serves the demo model with all its tenants, until the program is told to end.</summary>
    public static async Task<int> RunDemoAsync(string urls, CancellationToken cancellation)
    {
        string folder = DemoFolder.Find();
        LoraServingEngineBuilder engines = LoraServingEngine.CreateBuilder().ConfigurePool(pool => pool.Bytes = 32L << 20);
        IEnumerable<(string Name, string Folder)> adapters =
            Directory.GetDirectories(Path.Combine(folder, "adapters")).Select(adapter => (Path.GetFileName(adapter), adapter));
        return await RunAsync(engines, Path.Combine(folder, "model"), adapters, "frontdesk", urls, cancellation);
    }

    /// <summary>Serves a model with adapters, until the program is told to end.</summary>
    /// <param name="model">A folder or a GGUF file.</param>
    /// <param name="adapters">Names, and the folders of the adapters.</param>
    /// <param name="urls">Where to listen.</param>
    /// <param name="cancellation">Ends it.</param>
    public static Task<int> RunAsync(
        string model, IEnumerable<(string Name, string Folder)> adapters, string urls, CancellationToken cancellation) =>
        RunAsync(LoraServingEngine.CreateBuilder(), model, adapters, name: null, urls, cancellation);

    private static async Task<int> RunAsync(
        LoraServingEngineBuilder engines, string model, IEnumerable<(string Name, string Folder)> adapters, string? name, string urls,
        CancellationToken cancellation)
    {
        ModelTokenizer tokenizer = ModelTokenizer.Load(model);
        engines.UseModel(model);
        foreach ((string adapter, string folder) in adapters)
        {
            engines.AddAdapter(adapter, folder);
        }

        await using LoraServingEngine engine = await engines.BuildAsync(cancellationToken: cancellation);
        WebApplicationBuilder builder =
            WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseUrls(urls);

        // Else a page of another site could have its own name lead to this machine, and read the answers.
        builder.Services.Configure<HostFilteringOptions>(hosts => hosts.AllowedHosts = ["localhost", "127.0.0.1", "[::1]"]);
        await using WebApplication app = builder.Build();
        app.UseHostFiltering();
        app.UseDefaultFiles();
        app.UseStaticFiles();
        app.MapSLoRA(new TextGenerator(engine, tokenizer), new SLoraHttpOptions { ModelName = name });
        app.MapGet("/status", (HttpContext http) => http.Response.WriteAsync(StatusText.Of(engine.Status)));
        app.Lifetime.ApplicationStopping.Register(() => _ = engine.DrainAsync(Timeout.InfiniteTimeSpan));
        await app.RunAsync(cancellation);
        return ExitCode.Success;
    }
}
