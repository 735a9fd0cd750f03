using System.CommandLine;
using System.Globalization;
using SLoRA.Formats;

namespace SLoRA.Gpu.Bench;

/// <summary>The command line.</summary>
internal static class BenchCommands
{
    private static readonly Option<string> Driver = Choice("--driver", "Through which driver.", "any", "cuda", "opencl");
    private static readonly Option<int> Device = new("--device") { Description = "Which of the driver's devices, from 0." };

    /// <summary>All commands.</summary>
    public static RootCommand Root() =>
        new("Checks and measures the Gpu backend on a device.") { Check(), Ptx(), Model(), Kernels(), Serve() };

    private static Command Check()
    {
        var ptx = new Option<string>("--ptx") { Description = "A folder for the PTX of every kernel." };
        var fixtures = new Option<string>("--fixtures") { Description = "A folder with fixtures: whole models and what they answer." };
        Option<int> steps = Number("--steps", 40, "Random steps.");
        var verbose = new Option<bool>("--verbose") { Description = "Prints the checks that hold, too." };
        var command = new Command("check", "Whether the device computes what it should.") { Driver, Device, ptx, fixtures, steps, verbose };
        command.SetAction((options, _) => CheckCommand.Run(
            DeviceOf(options), options.GetValue(ptx), options.GetValue(fixtures), options.GetValue(steps), options.GetValue(verbose)));
        return command;
    }

    private static Command Model()
    {
        var command = new Command("model", "What a roofline model predicts of the kernels on some cards; needs no device.");
        command.SetAction(_ => ModelCommand.Run());
        return command;
    }

    private static Command Ptx()
    {
        var folder = new Argument<string>("folder") { Description = "The folder." };
        var command = new Command("ptx", "Writes the PTX of every kernel; needs no device.") { folder };
        command.SetAction(options =>
        {
            var tally = new Tally(verbose: false);
            PtxFiles.Write(options.GetValue(folder)!, tally);
            return tally.Failed == 0 ? 0 : 1;
        });
        return command;
    }

    private static Command Kernels()
    {
        var models = new Option<string[]>("--models")
        {
            Description = "The models.",
            DefaultValueFactory = _ => ["135m", "1b", "8b"],
            AllowMultipleArgumentsPerToken = true
        };
        models.AcceptOnlyFromAmong("135m", "1b", "8b");
        Option<int[]> rows = Numbers("--rows", "Rows of a step; more than 64 are one prompt.", 1, 16, 64, 512);
        Option<int[]> adapters = Numbers("--adapters", "Adapters in a step.", 1, 16, 64);
        Option<int[]> ranks = Numbers("--ranks", "Their ranks.", 8, 16, 64);
        Option<string> weights = Weights();
        Option<int> context = Number("--context", 1024, "Positions that decode rows have before them.");
        Option<int> layers = Number("--layers", 16, "The most layers that are made.");
        Option<int> milliseconds = Number("--milliseconds", 100, "How long each kernel is sampled, at least.");
        Option<bool> json = Json();
        var command = new Command("kernels", "Times of every kernel, beside what the device can do.")
        {
            Driver, Device, models, rows, adapters, ranks, weights, context, layers, milliseconds, json,
        };
        command.SetAction(options => Guard(() => KernelsCommand.Run(DeviceOf(options), new KernelSettings
        {
            Models = [.. options.GetValue(models)!.Select(BenchModel.Find)],
            Weights = TypeOf(options.GetValue(weights)!),
            Rows = options.GetValue(rows)!,
            Adapters = options.GetValue(adapters)!,
            Ranks = options.GetValue(ranks)!,
            Context = options.GetValue(context),
            Layers = options.GetValue(layers),
            Seconds = options.GetValue(milliseconds) / 1e3,
            Json = options.GetValue(json),
        })));
        return command;
    }

    private static Command Serve()
    {
        Option<string> model = Choice("--model", "The model.", "135m", "1b", "8b");
        Option<int[]> rows = Numbers("--rows", "Decode rows of a step.", 1, 16, 64);
        Option<int> adapters = Number("--adapters", 64, "Adapters of rank 64, 32, 16, 8 in turn.");
        Option<string> weights = Weights();
        Option<int> context = Number("--context", 512, "Positions that decode rows have before them.");
        Option<int> layers = Number("--layers", 1000, "The most layers that are made.");
        Option<int> milliseconds = Number("--milliseconds", 2000, "How long each step is sampled, at least.");
        Option<bool> launches = new("--launches") { Description = "Launches every kernel of decode steps, where it would be CUDA graphs." };
        Option<bool> json = Json();
        var command = new Command("serve", "Whole steps of a model with random weights.") { Driver, Device, model, rows, adapters, weights,
            context, layers, milliseconds, launches, json };
        command.SetAction(options => Guard(() => ServeCommand.Run(DeviceOf(options), new ServeSettings
        {
            Model = BenchModel.Find(options.GetValue(model)!),
            Weights = TypeOf(options.GetValue(weights)!),
            Rows = options.GetValue(rows)!,
            Adapters = options.GetValue(adapters),
            Context = options.GetValue(context),
            Layers = options.GetValue(layers),
            Seconds = options.GetValue(milliseconds) / 1e3,
            Graphs = !options.GetValue(launches),
            Json = options.GetValue(json),
        })));
        return command;
    }

    /// <summary>No device, or too small a one, is an answer and not a crash.</summary>
    private static int Guard(Action run)
    {
        try
        {
            run();
            return 0;
        }
        catch (GpuException error)
        {
            Console.Error.WriteLine(error.Message);
            return 2;
        }
    }

    private static Option<string> Weights() => Choice("--weights", "Type of weights and cache.", "bf16", "f16", "f32");

    private static Option<bool> Json() => new("--json") { Description = "Prints lines of JSON and nothing else." };

    private static TensorType TypeOf(string name) => name switch
    {
        "f32" => TensorType.F32,
        "f16" => TensorType.F16,
        _ => TensorType.BF16,
    };

    private static Option<int[]> Numbers(string name, string description, params int[] values) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => values,
        AllowMultipleArgumentsPerToken = true,
        CustomParser = result => [.. result.Tokens.Select(token => Positive(result, token.Value))],
    };

    private static int Positive(System.CommandLine.Parsing.ArgumentResult result, string text)
    {
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) || value < 1)
        {
            result.AddError($"'{text}' is no number above 0.");
        }

        return value;
    }

    private static GpuOptions DeviceOf(ParseResult options) => new()
    {
        Driver = options.GetValue(Driver) switch { "cuda" => GpuDriver.Cuda, "opencl" => GpuDriver.OpenCL, _ => GpuDriver.Any },
        Device = options.GetValue(Device),
    };

    private static Option<string> Choice(string name, string description, params string[] values)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => values[0] };
        option.AcceptOnlyFromAmong(values);
        return option;
    }

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
