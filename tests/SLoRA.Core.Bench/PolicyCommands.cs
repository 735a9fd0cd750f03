using System.CommandLine;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>The commands that measure scheduling policies.</summary>
internal static class PolicyCommands
{
    /// <summary>What a policy costs a step.</summary>
    public static Command Policies()
    {
        Option<int> rows = BenchCommands.Number("--rows", 64, "Sequences that decode.");
        Option<int> adapters = BenchCommands.Number("--adapters", 16, "Adapters that all requests use in turn; 0 for the base.", least: 0);
        Option<int> waiting = BenchCommands.Number("--waiting", 4096, "Requests that wait.");
        Option<int> clients = BenchCommands.Number("--clients", 1000, "Clients whose they are.");
        Option<int> threads = BenchCommands.Threads();
        var command = new Command("policies", "What a policy with every part costs a step beside first come, first served.")
        {
            rows, adapters, waiting, clients, threads,
        };
        command.SetAction(options => PolicyBench.Run(
            Shape.Small, TensorType.BF16, options.GetValue(rows), options.GetValue(adapters), options.GetValue(waiting),
            options.GetValue(clients), options.GetValue(threads)));
        return command;
    }

    /// <summary>What one client that floods takes from the others.</summary>
    public static Command Flood()
    {
        Option<int> threads = BenchCommands.Threads();
        Option<int> rows = BenchCommands.Number("--rows", 96, "The most rows of a step.");
        Option<int> running = BenchCommands.Number("--running", 16, "Sequences that run at once.");
        Option<int> most = BenchCommands.Number("--most", 6, "Those of one client, under shares; 0 for all of them.", least: 0);
        Option<int> clients = BenchCommands.Number("--clients", 5, "Clients, of which one floods.", least: 2);
        Option<double> load = BenchCommands.Real("--load", 0.8, "How much of their share of the engine the others ask for.");
        Option<double> times = BenchCommands.Real("--times", 10, "How many times its share the one asks for.");
        Option<int> prompt = BenchCommands.Number("--prompt", 64, "Tokens of a prompt.");
        Option<int> output = BenchCommands.Number("--output", 16, "Tokens of an answer.");
        Option<double> seconds = BenchCommands.Real("--seconds", 60, "How long requests come, in each of four runs.");
        var command = new Command("flood", "One client asks ten times its share: what the others wait, and what gets done.")
        {
            threads, rows, running, most, clients, load, times, prompt, output, seconds,
        };
        command.SetAction((options, cancellation) =>
        {
            var workload = new FloodWorkload(
                Shape.Small, options.GetValue(threads), options.GetValue(rows), options.GetValue(running), options.GetValue(most),
                options.GetValue(clients), options.GetValue(load), options.GetValue(times), options.GetValue(prompt),
                options.GetValue(output), options.GetValue(seconds));
            return new FloodBench(workload).RunAsync(cancellation);
        });
        return command;
    }
}
