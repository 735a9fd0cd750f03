using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SLoRA.Extensions.AI.Tests.Chat;

namespace SLoRA.Hosting.Tests;

/// <summary>Hosts that serve the demo model.</summary>
internal static class DemoHost
{
    public static Dictionary<string, string?> Settings() => new()
    {
        ["SLoRA:Model"] = Path.Combine(DemoModel.Folder, "model"),
        ["SLoRA:ModelName"] = "desk",
        ["SLoRA:Pool:Bytes"] = "33554432",
        ["SLoRA:Scheduling:DefaultMaxTokens"] = "100",
        ["SLoRA:Adapters:bakery"] = Path.Combine(DemoModel.Folder, "adapters", "bakery"),
    };

    public static IHost Build(
        Dictionary<string, string?>? settings = null, Action<SLoRABuilder>? configure = null, ILoggerProvider? log = null)
    {
        HostApplicationBuilder host = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        host.Configuration.AddInMemoryCollection(settings ?? Settings());
        if (log is not null)
        {
            host.Logging.AddProvider(log);
        }

        SLoRABuilder builder = host.Services.AddSLoRA(host.Configuration.GetSection("SLoRA")).AddHealthChecks();
        configure?.Invoke(builder);
        return host.Build();
    }

    public static T Get<T>(this IHost host)
        where T : notnull => host.Services.GetRequiredService<T>();
}
