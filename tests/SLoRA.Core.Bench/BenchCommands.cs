using System.CommandLine;
using System.Globalization;

namespace SLoRA.Core.Bench;

/// <summary>The command line. Every command prints the machine's limits or the conditions beside the result.</summary>
internal static class BenchCommands
{
    /// <summary>All commands.</summary>
    public static RootCommand Root() => new("Measures the library itself.")
    {
        Kernels(), OperatorCommands.Operators(), OperatorCommands.Picture(), OperatorCommands.Guard(),
        OperatorCommands.Attention(), OperatorCommands.Latents(),
        Step(), Kinds(), Shards(), Overhead(), Overlap(), Queue(),
        PolicyCommands.Policies(), PolicyCommands.Flood(), Serve(),
        CompareCommand.Create(), GgufCommand.Create(), LoadBench.Create(), PackingBench.Create(),
        Adapters(), Register(),
    };

    private static Command Kernels()
    {
        Argument<string> shape = ShapeArgument();
        Argument<string> type = BaseWeights.Argument(inBlocks: true);
        Option<int> threads = Threads();
        var command = new Command("kernels", "The products of a step beside the machine's ceilings.") { shape, type, threads };
        command.SetAction(options => KernelBench.Run(
            Shape.Find(options.GetValue(shape)!)!, BaseWeights.Find(options.GetValue(type)!), options.GetValue(threads)));
        return command;
    }

    private static Command Step()
    {
        Argument<string> shape = ShapeArgument();
        Argument<string> type = BaseWeights.Argument(inBlocks: true);
        Option<int> threads = Threads();
        Option<int> context = Number("--context", 160, "Positions that decode rows have before them.");
        Option<int> adapters =
            new("--adapters") { Description = "Adapters on all linear modules, one per decode row in turn.", DefaultValueFactory = _ => 0 };
        Option<int> rank = Number("--rank", 16, "Rank of the adapters.");
        Option<CacheType> cache = BaseWeights.CacheOption();
        var command = new Command("step", "Whole steps without an engine around them.")
        {
            shape, type, threads, context, adapters, rank, cache,
        };
        command.SetAction(options => StepBench.Run(
            Shape.Find(options.GetValue(shape)!)!,
            BaseWeights.Find(options.GetValue(type)!).With(options.GetValue(cache)),
            options.GetValue(threads),
            options.GetValue(context),
            options.GetValue(adapters),
            options.GetValue(rank)));
        return command;
    }

    private static Command Kinds()
    {
        Argument<string> shape = ShapeArgument();
        Argument<string> type = BaseWeights.Argument();
        Option<int> threads = Threads();
        Option<int> rank = Number("--rank", 16, "Rank of the adapters of steps.");
        Option<int> tokens = Number("--tokens", 4096, "Tokens of the conversation.");
        Option<int> layers = Number("--layers", 8, "Layers of the model that has the conversation.");
        var conversation = new Option<bool>("--conversation") { Description = "The conversation alone, without steps." };
        var command = new Command("kinds", "DoRA and activated LoRA beside plain LoRA.")
        {
            shape, type, threads, rank, tokens, layers, conversation,
        };
        command.SetAction((options, cancellation) =>
        {
            (Shape model, BaseWeights weights) =
                (Shape.Find(options.GetValue(shape)!)!, BaseWeights.Find(options.GetValue(type)!));
            if (!options.GetValue(conversation))
            {
                KindsBench.Dora(model, weights, options.GetValue(threads), options.GetValue(rank));
            }

            return KindsBench.ActivatedAsync(
                model, weights.Stored, options.GetValue(threads), options.GetValue(tokens), options.GetValue(layers), cancellation);
        });
        return command;
    }

    private static Command Shards()
    {
        Argument<string> shape = ShapeArgument();
        Argument<string> type = BaseWeights.Argument();
        Option<int> threads = Threads();
        Option<int> rank = Number("--rank", 16, "Rank of the adapters.");
        var command = new Command(
            "shards", "One shard of all threads beside two that share them, and what exchanging takes.") { shape, type, threads, rank };
        command.SetAction(options => ShardsBench.Run(
            Shape.Find(options.GetValue(shape)!)!,
            BaseWeights.Find(options.GetValue(type)!),
            options.GetValue(threads),
            options.GetValue(rank)));
        return command;
    }

    private static Command Overhead()
    {
        Argument<string> shape = ShapeArgument();
        Argument<string> type = BaseWeights.Argument(asStored: true);
        Option<int> rows = Number("--rows", 64, "Sequences that decode.");
        Option<int> adapters = Number("--adapters", 16, "Adapters that they use in turn; 0 for the base.", least: 0);
        Option<int> threads = Threads();
        var command = new Command(
            "overhead", "The step loop apart from compute, beside the compute of the same step.") { shape, type, rows, adapters, threads };
        command.SetAction(options => OverheadBench.Run(
            Shape.Find(options.GetValue(shape)!)!,
            BaseWeights.Find(options.GetValue(type)!).Stored,
            options.GetValue(rows),
            options.GetValue(adapters),
            options.GetValue(threads)));
        return command;
    }

    private static Command Overlap()
    {
        Argument<string> shape = ShapeArgument();
        Argument<string> type = BaseWeights.Argument(asStored: true);
        Option<int> rows = Number("--rows", 16, "Sequences that decode, each with a consumer.");
        Option<int> adapters = Number("--adapters", 16, "Adapters that they use in turn; 0 for the base.", least: 0);
        Option<int> rounds = Number("--rounds", 5, "Measurements of each order, in turn.");
        Option<int> threads = Threads();
        var command = new Command("overlap", "Steps that publish before the next one beside steps that publish while it computes.")
        {
            shape, type, rows, adapters, rounds, threads,
        };
        command.SetAction(options => OverlapBench.Run(
            Shape.Find(options.GetValue(shape)!)!,
            BaseWeights.Find(options.GetValue(type)!).Stored,
            options.GetValue(rows),
            options.GetValue(adapters),
            options.GetValue(rounds),
            options.GetValue(threads)));
        return command;
    }

    private static Command Queue()
    {
        Argument<string> shape = ShapeArgument();
        Argument<string> type = BaseWeights.Argument(asStored: true);
        Option<int> rows = Number("--rows", 64, "Sequences that decode.");
        Option<int> adapters = Number("--adapters", 16, "Adapters that all requests use in turn; 0 for the base.", least: 0);
        Option<int> waiting = Number("--waiting", 100_000, "Requests that wait.");
        Option<int> threads = Threads();
        var command =
            new Command("queue", "What requests that wait cost those that run.") { shape, type, rows, adapters, waiting, threads };
        command.SetAction(options => QueueBench.Run(
            Shape.Find(options.GetValue(shape)!)!,
            BaseWeights.Find(options.GetValue(type)!).Stored,
            options.GetValue(rows),
            options.GetValue(adapters),
            options.GetValue(waiting),
            options.GetValue(threads)));
        return command;
    }

    private static Command Serve()
    {
        Option<string> shape = Choice("--shape", "The decoder.", "135m", "1b");
        Option<string> weights =
            Choice("--weights", "The base weights; int8 is quantized from bf16 when loaded.", "bf16", "f16", "f32", "int8");
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

    private static Command Adapters()
    {
        Option<string> shape = Choice("--shape", "The decoder.", "135m", "1b");
        Option<string> weights = Choice("--weights", "Type of the base weights.", "bf16", "f16", "f32");
        Option<int> registered =
            Number("--registered", 1000, "Adapters of rank 64, 32, 16 and 8 in turn on q, k, v and o, each with its own content.");
        var resident = new Option<string>(
            "--resident")
        { Description = "Adapters that fit into the pool: a number, or 'all'.", DefaultValueFactory = _ => "32" };
        resident.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is var value and not "all"
                && (!int.TryParse(value, CultureInfo.InvariantCulture, out int count) || count < 1))
            {
                result.AddError("--resident must be a number of at least 1, or 'all'.");
            }
        });
        Option<int> concurrency = Number("--concurrency", 16, "Clients, each of which asks again when it has been answered.");
        Option<double> zipf = Real("--zipf", 1, "The exponent of Zipf's law that adapters are drawn by; 0 draws uniformly.");
        Option<double> seconds = Real("--seconds", 20, "How long is measured.");
        Option<double> warmUp = Real("--warm-up", 5, "How long the same traffic runs before that, in seconds.");
        Option<int> threads = Threads();
        var read = new Option<bool>("--read")
        {
            Description = "Reads every adapter once before anything is measured: what the pool has no "
            + "room for lies in main memory."
        };
        var json = new Option<bool>("--json") { Description = "Prints nothing but one line of JSON." };
        var command =
            new Command("adapters", "Many adapters behind one pool: a closed loop of requests of 128 + 64 tokens, through the public API.")
        {
            shape, weights, registered, resident, concurrency, zipf, seconds, warmUp, read, threads, json,
        };
        command.SetAction((options, cancellation) => AdaptersBench.Run(Workload(options), options.GetValue(json), cancellation));
        command.Add(Compare(Workload));
        return command;

        AdaptersWorkload Workload(ParseResult options) => new()
        {
            Shape = Shape.Find(options.GetValue(shape)!)!,
            Weights = BaseWeights.Find(options.GetValue(weights)!).Stored,
            Registered = options.GetValue(registered),
            Resident = options.GetValue(resident) == "all" ? null : int.Parse(options.GetValue(resident)!, CultureInfo.InvariantCulture),
            Concurrency = options.GetValue(concurrency),
            Zipf = options.GetValue(zipf),
            Seconds = options.GetValue(seconds),
            WarmUpSeconds = options.GetValue(warmUp),
            IsRead = options.GetValue(read),
            Threads = options.GetValue(threads),
        };
    }

    private static Command Compare(Func<ParseResult, AdaptersWorkload> workload)
    {
        Option<int> many = Number("--many", 10000, "Adapters of the largest point.");
        Option<int> rounds = Number("--rounds", 3, "How often the points of a ratio are measured in turns; the best of each counts.");
        var only = new Option<int[]>("--only")
        {
            Description = $"Rows to measure, from 1 to {AdaptersCompare.Rows}; all by default.",
            AllowMultipleArgumentsPerToken = true
        };
        var plot = new Option<string?>("--plot") { Description = "Where a picture of the table goes, such as docs/images/adapters.png." };
        var command =
            new Command(
                "compare", "Every goal beside what is achieved, as a table in Markdown. The options of 'adapters' come before.") { many,
                rounds, only, plot };
        command.SetAction((options, cancellation) =>
            new AdaptersCompare(workload(options), options.GetValue(many), options.GetValue(rounds), Console.WriteLine).RunAsync(
            options.GetValue(only) ?? [], options.GetValue(plot), cancellation));
        return command;
    }

    /// <summary>A number from 0 on.</summary>
    public static Option<double> Real(string name, double value, string description)
    {
        var option = new Option<double>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (!(result.GetValueOrDefault<double>() is >= 0 and < 1e6))
            {
                result.AddError($"{name} must be at least 0.");
            }
        });
        return option;
    }

    private static Command Register()
    {
        Option<string> shape = Choice("--shape", "The decoder.", "135m", "1b");
        Option<int> count = Number("--count", 10000, "Folders.");
        var command = new Command("register", "Registering adapter folders by their headers.") { shape, count };
        command.SetAction(
            (options, cancellation) => RegisterBench.Run(Shape.Find(options.GetValue(shape)!)!, options.GetValue(count), cancellation));
        return command;
    }

    private static Argument<string> ShapeArgument()
    {
        var argument = new Argument<string>("shape") { Description = "The decoder.", DefaultValueFactory = _ => "135m" };
        argument.AcceptOnlyFromAmong("135m", "1b", "8b", "moe-small", "moe-64");
        return argument;
    }

    private static Option<string> Choice(string name, string description, params string[] values)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => values[0] };
        option.AcceptOnlyFromAmong(values);
        return option;
    }

    /// <summary>How many threads compute.</summary>
    public static Option<int> Threads() => Number("--threads", Environment.ProcessorCount, "Threads that compute.");

    /// <summary>A whole number.</summary>
    public static Option<int> Number(string name, int value, string description, int least = 1)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < least)
            {
                result.AddError($"{name} must be at least {least}.");
            }
        });
        return option;
    }
}
