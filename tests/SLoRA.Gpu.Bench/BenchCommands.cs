using System.CommandLine;

namespace SLoRA.Gpu.Bench;

/// <summary>The command line.</summary>
internal static class BenchCommands
{
    private static readonly Option<string> Driver = Choice("--driver", "Through which driver.", "any", "cuda", "opencl");
    private static readonly Option<int> Device = new("--device") { Description = "Which of the driver's devices, from 0." };

    /// <summary>All commands.</summary>
    public static RootCommand Root() => new("Checks and measures the Gpu backend on a device.") { Check() };

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
