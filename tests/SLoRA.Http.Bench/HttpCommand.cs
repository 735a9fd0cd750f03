using System.CommandLine;
using Samples;

namespace SLoRA.Http.Bench;

/// <summary>The command <c>http</c>.</summary>
internal static class HttpCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create()
    {
        var model = new Option<string?>("--model") { Description = "The base: a Hugging Face folder. The demo model unless set." };
        var adapters = new Option<string?>("--adapters") { Description = "A folder for each adapter in one. The demo's unless set." };
        var requests = new Option<int>("--requests") { Description = "Requests at the same time.", DefaultValueFactory = _ => 16 };
        var tokens = new Option<int>("--tokens") { Description = "Tokens of each answer.", DefaultValueFactory = _ => 64 };
        var rounds = new Option<int>("--rounds") { Description = "How often both take turns.", DefaultValueFactory = _ => 5 };
        var command = new Command("http", "The same requests in process and through HTTP on loopback, in turns.")
        {
            model, adapters, requests, tokens, rounds,
        };
        command.SetAction(async (options, cancellation) =>
        {
            string folder = options.GetValue(model) ?? Path.Combine(DemoFolder.Find(), "model");
            string tenants = options.GetValue(adapters) ?? Path.Combine(DemoFolder.Find(), "adapters");
            await using HttpShare bench = await HttpShare.StartAsync(
                folder, Directory.GetDirectories(tenants), options.GetValue(requests), options.GetValue(tokens), cancellation);
            await bench.RunAsync(options.GetValue(rounds), cancellation);
        });
        return command;
    }
}
