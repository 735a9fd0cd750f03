using SLoRA.Core.Bench;
using SLoRA.Formats;

// Measures the library itself; every command prints the machine's limits or the conditions beside the result.
const string Usage = """
    usage: SLoRA.Core.Bench kernels [135m|1b] [f32|f16|bf16] [--threads N]
           SLoRA.Core.Bench step    [135m|1b] [f32|f16|bf16] [--threads N] [--context N]
    """;

string command = args.Length > 0 ? args[0] : "";
Shape shape = Shape.Small;
TensorType type = TensorType.BF16;
int threads = Environment.ProcessorCount;
int context = 160;
for (int i = 1; i < args.Length; i++)
{
    if (Shape.Find(args[i]) is { } found)
    {
        shape = found;
    }
    else if (args[i] is "f32" or "f16" or "bf16")
    {
        type = args[i] == "f32" ? TensorType.F32 : args[i] == "f16" ? TensorType.F16 : TensorType.BF16;
    }
    else if (args[i] is "--threads" or "--context" && i + 1 < args.Length && int.TryParse(args[i + 1], out int number) && number > 0)
    {
        (threads, context) = args[i] == "--threads" ? (number, context) : (threads, number);
        i++;
    }
    else
    {
        command = "";
    }
}

switch (command)
{
    case "kernels":
        KernelBench.Run(shape, type, threads);
        return 0;
    case "step":
        StepBench.Run(shape, type, threads, context);
        return 0;
    default:
        Console.Error.WriteLine(Usage);
        return 2;
}
