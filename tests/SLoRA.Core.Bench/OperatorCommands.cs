using System.CommandLine;

namespace SLoRA.Core.Bench;

/// <summary>The commands <c>operators</c>, <c>roofline</c>, <c>guard</c>, <c>attention</c> and <c>latents</c>.</summary>
internal static class OperatorCommands
{
    /// <summary>Where the time of a step goes.</summary>
    public static Command Operators()
    {
        Argument<string> shape = ShapeArgument();
        Argument<string> weights = BaseWeights.Argument(inBlocks: true);
        Option<int> threads = Threads();
        Option<double> seconds = Seconds();
        Option<CacheType> cache = BaseWeights.CacheOption();
        var command = new Command("operators", "Every operation of a step: its time, and what the machine's limits allow.")
        {
            shape, weights, threads, seconds, cache,
        };
        command.SetAction(options => OperatorBench.Run(
            Shape.Find(options.GetValue(shape)!)!, BaseWeights.Find(options.GetValue(weights)!).With(options.GetValue(cache)),
            options.GetValue(threads),
            TimeSpan.FromSeconds(options.GetValue(seconds))));
        return command;
    }

    /// <summary>The same as a picture.</summary>
    public static Command Picture()
    {
        Argument<string> shape = ShapeArgument();
        var file =
            new Argument<string>("file") { Description = "The picture, a PNG.", DefaultValueFactory = _ => "docs/images/roofline.png" };
        Option<int> threads = Threads();
        Option<double> seconds = Seconds();
        var command = new Command("roofline",
            "A picture of every operation under the machine's roofs, with bf16 and with int8 weights.") { shape, file, threads, seconds };
        command.SetAction(options => Roofline.Draw(
            Shape.Find(options.GetValue(shape)!)!, options.GetValue(threads), TimeSpan.FromSeconds(options.GetValue(seconds)),
            options.GetValue(file)!));
        return command;
    }

    /// <summary>Whether kernels reach what they once reached.</summary>
    public static Command Guard()
    {
        Option<string> table = new("--table")
        {
            Description = "Least figures for each width of vectors.",
            DefaultValueFactory = _ => "tests/SLoRA.Core.Bench/guard.json",
        };
        Option<int> threads = Threads();
        var command = new Command("guard", "Shares of the machine's limits beside the least that is expected.") { table, threads };
        command.SetAction(options => GuardBench.Run(options.GetValue(threads), options.GetValue(table)!));
        return command;
    }

    /// <summary>Attention over keys and values.</summary>
    public static Command Attention()
    {
        Option<int> threads = Threads();
        var command = new Command("attention", "Attention over keys and values, beside what the machine's limits allow.") { threads };
        command.SetAction(options => AttentionBench.Run(options.GetValue(threads)));
        return command;
    }

    /// <summary>Attention over latents.</summary>
    public static Command Latents()
    {
        Option<int> threads = Threads();
        var command = new Command("latents", "Attention over latents, beside the form that makes keys and values.") { threads };
        command.SetAction(options => LatentBench.Run(options.GetValue(threads)));
        return command;
    }

    /// <summary>The argument that chooses a decoder.</summary>
    public static Argument<string> ShapeArgument()
    {
        var argument = new Argument<string>("shape") { Description = "The decoder.", DefaultValueFactory = _ => "135m" };
        argument.AcceptOnlyFromAmong("135m", "1b", "8b", "moe-small", "moe-64");
        return argument;
    }

    private static Option<int> Threads() =>
        new("--threads") { Description = "Threads that compute.", DefaultValueFactory = _ => Environment.ProcessorCount };

    private static Option<double> Seconds() =>
        new("--seconds") { Description = "How long each kind of step is repeated.", DefaultValueFactory = _ => 3 };
}
