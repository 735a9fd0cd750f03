using System.CommandLine;
using Microsoft.Extensions.AI;
using Samples;
using SLoRA;
using SLoRA.Extensions.AI;

namespace Agents;

/// <summary>The options, and what runs for them.</summary>
internal static class CommandLine
{
    private static readonly string[] Tenants = ["bakery", "hotel", "library"];

    private static readonly Option<string> Question = new("--question")
    {
        Description = "What every agent is asked.",
        HelpName = "TEXT",
        DefaultValueFactory = _ => "When are you open?",
    };

    private static readonly Option<string?> Model = new("--model")
    {
        Description = "A model that has learned to call tools, a Hugging Face folder: one agent of it, without adapters.",
        HelpName = "DIR",
    };

    public static RootCommand Create()
    {
        var root = new RootCommand("Agents over one model: an adapter for each tenant, a function and a tool of an MCP server.")
        {
            Question, Model,
        };
        root.SetAction(RunAsync);
        return root;
    }

    private static async Task<int> RunAsync(ParseResult options, CancellationToken cancellation)
    {
        await using Calendar calendar = await Calendar.StartAsync(cancellation);
        AIFunction[] tools = [FrontDesk.Today(TimeProvider.System), .. calendar.Tools];
        string question = options.GetValue(Question)!;
        await (options.GetValue(Model) is { } model
            ? AskModelAsync(model, question, tools, cancellation)
            : AskTenantsAsync(question, tools, cancellation));
        return ExitCode.Success;
    }

    private static async Task AskModelAsync(string folder, string question, AIFunction[] tools, CancellationToken cancellation)
    {
        await using LoraServingEngine engine =
            await LoraServingEngine.CreateBuilder().UseModel(folder).BuildAsync(cancellationToken: cancellation);
        int calls = await Conversation.AskAsync(
            FrontDesk.Create(engine.AsChatClient(), "agent", tools), question, Console.Out, cancellation);
        if (calls == 0)
        {
            Console.WriteLine($"It was told of {string.Join(" and ", tools.Select(tool => tool.Name))}, and has called neither.");
        }
    }

    // The demo model has not learned to call tools, and a list of them in its prompt would lead its answers astray: its agents are told of
    // none, and the program calls them.
    private static async Task AskTenantsAsync(string question, AIFunction[] tools, CancellationToken cancellation)
    {
        string demo = DemoFolder.Find();
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder()
            .UseModel(Path.Combine(demo, "model")).ConfigurePool(pool => pool.Bytes = 32L << 20);
        foreach (string tenant in Tenants)
        {
            builder.AddAdapter(tenant, Path.Combine(demo, "adapters", tenant));
        }

        await using LoraServingEngine engine = await builder.BuildAsync(cancellationToken: cancellation);
        LoraChatClient client = engine.AsChatClient();
        foreach (string tenant in Tenants)
        {
            await Conversation.AskAsync(FrontDesk.Create(client.ForAdapter(tenant), tenant), question, Console.Out, cancellation);
        }

        foreach (AIFunction tool in tools)
        {
            object? result = await tool.InvokeAsync(new AIFunctionArguments { ["date"] = "2027-01-01" }, cancellation);
            Console.WriteLine($"the tool {tool.Name} says: {Conversation.TextOf(result)}");
        }

        Console.WriteLine(
            "The demo model, of 3.3 million parameters, has not learned to call tools: its agents were told of none, and the program "
            + "has called them. Agents of a model that has learned to call them do it themselves: --model DIR.");
    }
}
