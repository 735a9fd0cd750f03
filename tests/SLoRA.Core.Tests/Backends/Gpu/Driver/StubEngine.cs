using SLoRA.Core.Tests.Engine;
using SLoRA.Engine;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Engines over the stub driver. Its kernels compute nothing: every logit is zero, and so is every token.</summary>
internal static class StubEngine
{
    /// <summary>Builds on the stub's first device; every step is launched kernel by kernel.</summary>
    public static void Configure(LoraServingEngineBuilder builder) => builder
        .ConfigureScheduling(scheduling => (scheduling.MaxRowsPerStep, scheduling.MaxRunning) = (64, 8))
        .UseGpu(gpu => (gpu.Driver, gpu.Graphs) = (GpuDriver.Cuda, false));

    /// <summary>The builder of an engine that runs by itself.</summary>
    public static LoraServingEngineBuilder Builder(Action<LoraServingEngineBuilder>? configure = null)
    {
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model"))
            .ConfigurePool(pool => pool.Bytes = 1L << 20)
            .AddAdapter("r1", SteppedEngine.AdapterFolder("r1"));
        Configure(builder);
        configure?.Invoke(builder);
        return builder;
    }

    /// <summary>A request for a few tokens.</summary>
    public static GenerationRequest Request(string? adapter, int maxTokens = 4) => new()
    {
        Prompt = new[] { 3, 4, 5, 6, 7 },
        MaxTokens = maxTokens,
        IgnoreEndOfText = true,
        Adapter = adapter,
    };

    /// <summary>Takes all tokens of a stream.</summary>
    public static async Task<int> Drain(GenerationStream stream)
    {
        int tokens = 0;
        await foreach (GeneratedToken _ in stream)
        {
            tokens++;
        }

        return tokens;
    }

    /// <summary>The log of the next step that computes.</summary>
    public static string[] Step(EngineLoop loop)
    {
        Stub.Reset();
        while (!loop.Step())
        {
            loop.Port.Wait();
        }

        return Stub.Log;
    }

    /// <summary>The decoder of an engine.</summary>
    public static Decoder DecoderOf(EngineLoop loop) => loop.Parts.Decoder;
}
