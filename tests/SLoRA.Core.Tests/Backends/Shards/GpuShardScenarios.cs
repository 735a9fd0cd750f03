using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Shards;

/// <summary>Runs in a process of its own, in which PoCL has two devices.</summary>
internal static class GpuShardScenarios
{
    /// <summary>Two devices that the option names answer as one does.</summary>
    public static async Task TwoDevices()
    {
        List<GenerationRequest> requests =
        [
            new() { Prompt = Enumerable.Range(3, 20).ToArray(), MaxTokens = 3, IgnoreEndOfText = true },
            new() { Prompt = Enumerable.Range(9, 7).ToArray(), MaxTokens = 3, IgnoreEndOfText = true, Adapter = "all-linear" },
        ];
        try
        {
            string[] two = await ShardedEngine.Answers(
                "core-llama-gqa", 1, requests, builder => builder.UseGpu(gpu => (gpu.Driver, gpu.Devices) = (GpuDriver.OpenCL, [0, 1])),
                ["all-linear"]);
            string[] one = await ShardedEngine.Answers(
                "core-llama-gqa", 1, requests, builder => builder.UseGpu(gpu => gpu.Driver = GpuDriver.OpenCL),
                ["all-linear"]);
            Assert.That(two, Is.EqualTo(one));
        }
        catch (GpuException error) when (error.Reason is GpuError.NoDevice or GpuError.NoDriver)
        {
            // The machine's OpenCL is another one, with one device.
            Console.WriteLine(error.Message);
        }
    }
}
