using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace SLoRA.Core.Bench;

/// <summary>
/// One start of an engine on the processor: how long it takes, how much memory it has at its peak, and how fast the weights then are.
/// </summary>
internal static class LoadBench
{
    private const int Tokens = 12;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "A folder of Hugging Face or a GGUF file." };
        var weights = new Option<CpuWeights>("--weights") { Description = "How matrices are kept." };
        var image = new Option<string?>("--image") { Description = "The folder of the image of packed weights; none by default." };
        var complete = new Option<bool>("--complete") { Description = "Know the model again by all of its bytes." };
        var read = new Option<bool>("--read") { Description = "Read the files and do not map them." };
        var threads = new Option<int>("--threads") { DefaultValueFactory = _ => Environment.ProcessorCount };
        var command = new Command("load", "The start of an engine: time, memory, image of packed weights.")
        {
            model, weights, image, complete, read, threads,
        };
        command.SetAction((options, cancellation) => RunAsync(
            LoraServingEngine.CreateBuilder()
                .UseModel(options.GetValue(model)!, options.GetValue(read) ? ModelAccess.Read : ModelAccess.Map)
                .ConfigurePool(pool => pool.Bytes = 64L << 20)
                .ConfigureScheduling(scheduling => (scheduling.MaxRowsPerStep, scheduling.MaxRunning) = (64, 4))
                .UseCpu(cpu =>
                {
                    cpu.Weights = options.GetValue(weights);
                    cpu.Threads = options.GetValue(threads);
                    if (options.GetValue(image) is { } folder)
                    {
                        cpu.PackedImage = options.GetValue(complete) ? PackedImageUse.Complete : PackedImageUse.Sampled;
                        cpu.PackedImageFolder = folder;
                    }
                }),
            cancellation));
        return command;
    }

    private static async Task RunAsync(LoraServingEngineBuilder builder, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        await using LoraServingEngine engine = await builder.BuildAsync(cancellationToken: cancellation);
        TimeSpan built = Stopwatch.GetElapsedTime(start);
        (long peak, long files, long own) = (Memory("VmHWM"), Memory("RssFile"), Memory("RssAnon"));
        PackedImageStatus? image = engine.Status.Backend.PackedImage;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"start {built.TotalSeconds:F2} s; peak {peak} MiB, then {own} MiB of its own and {files} MiB of files; image: {image}"));
        double fastest = double.MaxValue, first = 0;
        long before = 0;
        int count = 0;
        var request = new GenerationRequest { Prompt = new[] { 3, 4, 5 }, MaxTokens = Tokens, IgnoreEndOfText = true };
        await foreach (GeneratedToken unused in engine.GenerateAsync(request, cancellation))
        {
            long now = Stopwatch.GetTimestamp();
            double seconds = Stopwatch.GetElapsedTime(count == 0 ? start : before, now).TotalSeconds;
            (first, fastest) = count++ == 0 ? (seconds, fastest) : (first, Math.Min(fastest, seconds));
            before = now;
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"first token {first:F2} s after the start began; fastest step {1e3 * fastest:F2} ms; peak {Memory("VmHWM")} MiB"));
    }

    /// <summary>MiB of a line of what Linux says about the process; 0 elsewhere.</summary>
    private static long Memory(string name)
    {
        string? line = OperatingSystem.IsLinux()
            ? File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))
            : null;
        return line is null ? 0 : long.Parse(line[(name.Length + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture) >> 10;
    }
}
