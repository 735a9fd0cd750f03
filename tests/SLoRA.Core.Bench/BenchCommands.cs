using System.CommandLine;

namespace SLoRA.Core.Bench;

/// <summary>The command line. Every command prints the machine's limits or the conditions beside the result.</summary>
internal static class BenchCommands
{
    /// <summary>All commands.</summary>
    public static RootCommand Root() => new("Measures the library itself.") { Kernels(), Step(), Serve(), CompareCommand.Create(), OperatorCommands.Operators(), OperatorCommands.Picture() };

    private static Command Kernels()
    {
        Argument<string> shape = ShapeArgument();
        Argument<string> type = BaseWeights.Argument();
        Option<int> threads = Threads();
        var command = new Command("kernels", "The products of a step beside the machine's ceilings.") { shape, type, threads };
        command.SetAction(options => KernelBench.Run(
            Shape.Find(options.GetValue(shape)!)!, BaseWeights.Find(options.GetValue(type)!), options.GetValue(threads)));
        return command;
    }

    private static Command Step()
    {
        Argument<string> shape = ShapeArgument();
        Argument<string> type = BaseWeights.Argument();
        Option<int> threads = Threads();
        Option<int> context = Number("--context", 160, "Positions that decode rows have before them.");
        Option<int> adapters = new("--adapters") { Description = "Adapters on all linear modules, one per decode row in turn.", DefaultValueFactory = _ => 0 };
        Option<int> rank = Number("--rank", 16, "Rank of the adapters.");
        var command = new Command("step", "Whole steps without an engine around them.") { shape, type, threads, context, adapters, rank };
        command.SetAction(options => StepBench.Run(
            Shape.Find(options.GetValue(shape)!)!,
            BaseWeights.Find(options.GetValue(type)!),
            options.GetValue(threads),
            options.GetValue(context),
            options.GetValue(adapters),
            options.GetValue(rank)));
        return command;
    }

    private static Command Serve()
    {
        Option<string> shape = Choice("--shape", "The decoder.", "135m", "1b");
        Option<string> weights = Choice("--weights", "The base weights; int8 is quantized from bf16 when loaded.", "bf16", "f16", "f32", "int8");
        Option<string> mode = Choice("--mode", "Whether requests use adapters: 'base' none, 'mixed' all of them in turn.", "mixed", "base");
        Option<int> requests = Number("--requests", 16, "Requests, all present at the start.");
        Option<int> prompt = Number("--prompt", 128, "Tokens of a prompt.");
        Option<int> output = Number("--output", 64, "Tokens of an answer.");
        Option<int> adapters = Number("--adapters", 16, "Adapters of rank 64, 32, 16, 8 in turn on q, k, v and o.");
        Option<int> threads = Threads();
        Option<int> repeat = Number("--repeat", 3, "Repetitions; the best is quoted.");
        var json = new Option<bool>("--json") { Description = "Prints nothing but the best repetition, as one line of JSON." };
        var command = new Command("serve", "An engine with its default settings, through the public API.")
        {
            shape, weights, mode, requests, prompt, output, adapters, threads, repeat, json,
        };
        command.SetAction((options, cancellation) => ServeBench.Run(
            new ServeWorkload
            {
                Shape = Shape.Find(options.GetValue(shape)!)!,
                Weights = BaseWeights.Find(options.GetValue(weights)!),
                IsMixed = options.GetValue(mode) == "mixed",
                Requests = options.GetValue(requests),
                Prompt = options.GetValue(prompt),
                Output = options.GetValue(output),
                Adapters = options.GetValue(adapters),
                Threads = options.GetValue(threads),
                Repetitions = options.GetValue(repeat),
            },
            options.GetValue(json),
            cancellation));
        return command;
    }

    private static Argument<string> ShapeArgument()
    {
        var argument = new Argument<string>("shape") { Description = "The decoder.", DefaultValueFactory = _ => "135m" };
        argument.AcceptOnlyFromAmong("135m", "1b");
        return argument;
    }

    private static Option<string> Choice(string name, string description, params string[] values)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => values[0] };
        option.AcceptOnlyFromAmong(values);
        return option;
    }

    private static Option<int> Threads() => Number("--threads", Environment.ProcessorCount, "Threads that compute.");

    private static Option<int> Number(string name, int value, string description)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError($"{name} must be at least 1.");
            }
        });
        return option;
    }
}
