using System.Globalization;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Building an engine over drivers of all sorts; each runs in a process of its own.</summary>
internal static class SelectionScenarios
{
    /// <summary>Builds an engine as the variables say, and writes the reason and the message of the error.</summary>
    public static async Task Refused()
    {
        var error = await Failure();
        if (error.Reason is not (GpuError.NoDriver or GpuError.NoDevice) || Environment.GetEnvironmentVariable("STUB_DEVICES") is not null)
        {
            Assert.That((Stub.Contexts, Stub.Left), Is.EqualTo((0, Stub.Nothing)));
        }

        Console.WriteLine($"{error.Reason} {error.Code}: {error.Message}");
    }

    /// <summary>Two engines on one device and one on another.</summary>
    public static async Task Shared()
    {
        await using (LoraServingEngine first = await StubEngine.Builder().BuildAsync())
        {
            await using LoraServingEngine second = await StubEngine.Builder().BuildAsync();
            Assert.That(Stub.Contexts, Is.EqualTo(1));
            await using LoraServingEngine other = await StubEngine.Builder(builder => builder.UseGpu(gpu => gpu.Device = 1)).BuildAsync();
            Assert.That(Stub.Contexts, Is.EqualTo(2));
            Task<int>[] running =
                [.. new[] { first, second, other }.Select(engine => StubEngine.Drain(engine.GenerateAsync(StubEngine.Request("r1"))))];
            Assert.That(await Task.WhenAll(running), Is.EqualTo((int[])[4, 4, 4]));
        }

        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)));
    }

    private static async Task<GpuException> Failure()
    {
        var driver = Enum.Parse<GpuDriver>(Environment.GetEnvironmentVariable("TEST_DRIVER") ?? "Cuda");
        int device = int.Parse(Environment.GetEnvironmentVariable("TEST_DEVICE") ?? "0", CultureInfo.InvariantCulture);
        try
        {
            await using LoraServingEngine engine =
                await StubEngine.Builder(builder => builder.UseGpu(gpu => (gpu.Driver, gpu.Device) = (driver, device))).BuildAsync();
        }
        catch (GpuException error)
        {
            return error;
        }

        throw new AssertionException("The engine was built.");
    }
}
