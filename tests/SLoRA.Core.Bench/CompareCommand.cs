using System.CommandLine;

namespace SLoRA.Core.Bench;

/// <summary>The command <c>compare</c>.</summary>
internal static class CompareCommand
{
    /// <summary>Makes it.</summary>
    public static Command Create()
    {
        var script = new Argument<string>(
            "peer")
        { Description = "The script that runs the peer: run SHAPE WEIGHTS REQUESTS PROMPT OUTPUT ADAPTERS base|mixed." };
        script.Validators.Add(result =>
        {
            if (!File.Exists(result.GetValueOrDefault<string>()))
            {
                result.AddError($"There is no {result.GetValueOrDefault<string>()}.");
            }
        });
        var rows = new Option<string[]>("--rows")
        {
            Description = $"Which rows, separated by commas: {string.Join(", ", CompareBench.RowNames)}.",
            DefaultValueFactory = _ => [.. CompareBench.RowNames],
            CustomParser = result => [.. result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries))],
        };
        rows.Validators.Add(result =>
        {
            foreach (string row in result.GetValueOrDefault<string[]>()!.Except(CompareBench.RowNames))
            {
                result.AddError($"There is no row {row}; there are {string.Join(", ", CompareBench.RowNames)}.");
            }
        });
        var rounds = new Option<int>("--rounds") { Description = "How often we and the peer take turns.", DefaultValueFactory = _ => 3 };
        var threads = new Option<int>("--threads") { Description = "Our threads.", DefaultValueFactory = _ => Environment.ProcessorCount };
        var precision = new Option<CpuPrecision>("--precision") { Description = "How products with quantised weights are computed." };
        var json = new Option<bool>("--json") { Description = "A line of JSON per figure and nothing else." };
        var command = new Command("compare", "The goals of the Cpu backend beside a peer, in turns, with the machine's limits.") { script,
            rows, rounds, threads, precision, json };
        command.SetAction(async (options, cancellation) =>
        {
            using var bench = new CompareBench(
                Path.GetFullPath(options.GetValue(script)!), options.GetValue(rounds), options.GetValue(threads),
                options.GetValue(precision), options.GetValue(json), cancellation);
            await bench.Run(options.GetValue(rows)!);
        });
        return command;
    }
}
