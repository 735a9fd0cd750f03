using ChatServer;
using Microsoft.AspNetCore.HostFiltering;
using Samples;
using SLoRA;
using SLoRA.AspNetCore;
using SLoRA.Text;

// The demo model with all its tenants, or with --model that of a folder or a GGUF file, on loopback: a page for people, and endpoints for
// clients of OpenAI.
try
{
    string? given = new ConfigurationBuilder().AddCommandLine(args).Build()["model"];
    string folder = given is null ? DemoFolder.Find() : "";
    string model = given ?? Path.Combine(folder, "model");
    ModelTokenizer tokenizer = ModelTokenizer.Load(model);
    LoraServingEngineBuilder engines = LoraServingEngine.CreateBuilder().UseModel(model);
    if (given is null)
    {
        // The demo model is small, any other one has the pool that is the library's default.
        engines.ConfigurePool(pool => pool.Bytes = 32L << 20);
        foreach (string adapter in Directory.GetDirectories(Path.Combine(folder, "adapters")))
        {
            engines.AddAdapter(Path.GetFileName(adapter), adapter);
        }
    }

    await using LoraServingEngine engine = await engines.BuildAsync();
    WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
    {
        Args = args,
        ContentRootPath = AppContext.BaseDirectory,
    });
    if (builder.Configuration["urls"] is null)
    {
        builder.WebHost.UseUrls("http://127.0.0.1:5080");
    }

    // Else a page of another site could have its own name lead to this machine, and read the answers.
    builder.Services.Configure<HostFilteringOptions>(hosts => hosts.AllowedHosts = ["localhost", "127.0.0.1", "[::1]"]);
    await using WebApplication app = builder.Build();
    app.UseHostFiltering();
    app.UseDefaultFiles();
    app.UseStaticFiles();
    app.MapSLoRA(new TextGenerator(engine, tokenizer), new SLoraHttpOptions { ModelName = given is null ? "frontdesk" : null });
    app.MapGet("/status", (HttpContext http) => http.Response.WriteAsync(StatusText.Of(engine.Status)));
    app.Lifetime.ApplicationStopping.Register(() => _ = engine.DrainAsync(Timeout.InfiniteTimeSpan));
    await app.RunAsync();
    return ExitCode.Success;
}
catch (Exception error) when (Ending.Of(error) is { } ending)
{
    return ending.Tell();
}
