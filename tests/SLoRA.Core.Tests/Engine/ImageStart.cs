using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace SLoRA.Core.Tests.Engine;

/// <summary>An engine that was started on the processor, with an image of packed weights or without, and has answered.</summary>
/// <param name="Logits">What it computed.</param>
/// <param name="Image">What its status says of the image.</param>
/// <param name="Weights">What it says of the weights.</param>
/// <param name="HasMapped">Whether it has read the model's files through.</param>
internal sealed record ImageStart(LogitsValues Logits, PackedImageStatus? Image, string? Weights, bool HasMapped)
{
    public static ImageStart Of(
        string model, string kind, string? folder = null, PackedImageUse use = PackedImageUse.Sampled, ILogger? logger = null,
        Action? replaced = null)
    {
        var reports = new List<LoadProgress>();
        using var engine = new SteppedEngine(
            builder => builder
                .UseModel(model, kind.Contains("read", StringComparison.Ordinal) ? ModelAccess.Read : ModelAccess.Map)
                .UseLogger(logger ?? NullLogger.Instance)
                .UseCpu(cpu =>
                {
                    cpu.Threads = 2;
                    cpu.Shards = kind.Contains("shards", StringComparison.Ordinal) ? 2 : 1;
                    cpu.Precision = kind == "Exact" ? CpuPrecision.Exact : CpuPrecision.Automatic;
                    cpu.Weights = kind[..4] switch
                    {
                        "Int8" => CpuWeights.Int8,
                        "Int4" => CpuWeights.Int4,
                        _ => CpuWeights.AsStored,
                    };
                    if (folder is not null)
                    {
                        (cpu.PackedImage, cpu.PackedImageFolder) = (use, folder);
                    }
                }),
            progress: new Reports(reports));
        replaced?.Invoke();
        var logits = new LogitsValues();
        engine.Finish(engine.Ask(new GenerationRequest
        {
            Prompt = Enumerable.Range(0, 20).Select(i => 3 + (i * 7 % 9)).ToArray(),
            MaxTokens = 2,
            Tap = logits,
            IgnoreEndOfText = true,
        }));
        BackendStatus status = engine.Status.Backend;
        return new ImageStart(logits, status.PackedImage, status.Weights, reports.Any(report => report.Stage == "weights"));
    }

    private sealed class Reports(List<LoadProgress> reports) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            lock (reports)
            {
                reports.Add(value);
            }
        }
    }
}
