using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using NUnit.Framework;
using SLoRA.Backends.Gpu;
using Half = System.Half;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Products through the stub of cuBLAS; each runs in a process of its own.</summary>
internal static class BlasScenarios
{
    /// <summary>The numbers of products whose output lies between other columns.</summary>
    public static void Numbers()
    {
        using (GpuDevice device = GpuDevice.Open(new GpuOptions { Driver = GpuDriver.Cuda }))
        using (var blas = new CuBlas(device))
        {
            foreach (CuBlas.DataType type in Enum.GetValues<CuBlas.DataType>())
            {
                Check(device, blas, type, rows: 5, inputs: 7, outputs: 3, width: 11, firstColumn: 4);
                Check(device, blas, type, rows: 1, inputs: 64, outputs: 16, width: 16, firstColumn: 0);
            }

            Assert.That(Stub.Log.Where(line => line.StartsWith("cublasSet", StringComparison.Ordinal)),
                Is.EqualTo((string[])["cublasSetStream", "cublasSetWorkspace 33554432"]));
            Assert.That(Stub.Log, Has.Some.EqualTo("cublasGemmEx 1 0 m3 n5 k7 A0/7 B0/7 C0/11 compute 68 algorithm -1"));
            Assert.That(Stub.Log, Has.Some.EqualTo("cublasGemmEx 1 0 m3 n5 k7 A14/7 B14/7 C0/11 compute 68 algorithm -1"));
        }

        Assert.That(Handles(), Is.Zero);
        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)));
    }

    /// <summary>An engine with f16 weights: activations are rounded once for q, k, v.</summary>
    public static Task HalfModel() => Model(
        "core-llama-mha", ["launch Kernel_Narrow", "cublasGemmEx A2", "cublasGemmEx A2", "cublasGemmEx A2"]);

    /// <summary>An engine with fp32 weights and biases.</summary>
    public static Task BiasModel() => Model(
        "core-llama-bias",
        ["cublasGemmEx A0", "launch Kernel_AddBias", "cublasGemmEx A0", "launch Kernel_AddBias", "cublasGemmEx A0",
            "launch Kernel_AddBias"]);

    /// <summary>Builds an engine as the variables say; writes the error of building, or of the first request.</summary>
    public static async Task Refused()
    {
        try
        {
            await using LoraServingEngine engine = await Builder("core-llama-gqa").BuildAsync();
            var error =
                (await Assert.ThrowsAsync<EngineFaultedException>(() => StubEngine.Drain(engine.GenerateAsync(StubEngine.Request(null)))))!;
            Console.WriteLine("In a step: " + error.InnerException!.Message);
        }
        catch (GpuException error)
        {
            Console.WriteLine($"{error.Reason}: {error.Message}");
        }

        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)));
    }

    private static async Task Model(string fixture, string[] expected)
    {
        await using (LoraServingEngine engine = await Builder(fixture).BuildAsync())
        {
            Assert.That(Stub.Log.Count(line => line == "cuMemAlloc 33554432"), Is.EqualTo(1), "the workspace");
            Stub.Reset();
            Assert.That(await StubEngine.Drain(engine.GenerateAsync(StubEngine.Request(null))), Is.EqualTo(4));
            string[] log = [.. Stub.Log.Select(Brief).Where(line => line.Length > 0)];
            Assert.That(log[..expected.Length], Is.EqualTo(expected), string.Join('\n', Stub.Log));
            Assert.That(Stub.Log.Where(line => line.Contains("Few", StringComparison.Ordinal)
                || line.StartsWith("cuMem", StringComparison.Ordinal)), Is.Empty);
        }

        Assert.That(Handles(), Is.Zero);
        Assert.That((Stub.Contexts, Stub.Left, Stub.Misuses), Is.EqualTo((0, Stub.Nothing, 0)));

        static string Brief(string line) => line.Split(' ') switch
        {
            ["launch", "Kernel_Narrow" or "Kernel_AddBias", ..] words => $"launch {words[1]}",
            ["cublasGemmEx", _, _, _, _, _, var a, ..] => $"cublasGemmEx {a[..a.IndexOf('/')]}",
            _ => "",
        };
    }

    private static LoraServingEngineBuilder Builder(string fixture)
    {
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture(fixture, "model"))
            .ConfigurePool(pool => pool.Bytes = 1L << 20);
        StubEngine.Configure(builder);
        return builder.UseGpu(gpu => (gpu.Driver, gpu.Products) = (GpuDriver.Cuda, GpuProducts.CuBlas));
    }

    /// <summary>y = x Wᵀ, against the sum written out.</summary>
    private static unsafe void Check(
        GpuDevice device, CuBlas blas, CuBlas.DataType type, int rows, int inputs, int outputs, int width, int firstColumn)
    {
        var random = new Random(7 + (int)type);
        float[] x = Values(rows * inputs), weight = Values(outputs * inputs);
        using var arena = new DeviceArena(device, 1 << 16, "a test");
        nint xOnDevice = Send(x), weightOnDevice = Send(weight);
        ArrayView<float> y = arena.Take<float>(rows * width);
        blas.Multiply(type, xOnDevice, weightOnDevice, y.LoadEffectiveAddressAsPtr()
            + (firstColumn * sizeof(float)), rows, inputs, outputs, width);
        using var host = new HostBuffer(device, y.Length * sizeof(float));
        device.Download(y.Cast<byte>(), host.Address);
        device.Synchronize();
        Span<float> got = host.Span<float>(0, rows * width);
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < width; column++)
            {
                double sum = 0;
                for (int k = 0; k < inputs && column >= firstColumn && column < firstColumn + outputs; k++)
                {
                    sum += (double)x[(row * inputs) + k] * weight[((column - firstColumn) * inputs) + k];
                }

                Assert.That(got[(row * width) + column], Is.EqualTo(sum).Within(1e-5), $"{type} [{row}, {column}]");
            }
        }

        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => Rounded((2 * random.NextSingle()) - 1))];

        float Rounded(float value) => type switch
        {
            CuBlas.DataType.F16 => (float)(Half)value,
            CuBlas.DataType.BF16 => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFF0000),
            _ => value,
        };

        nint Send(float[] values)
        {
            byte[] bytes = type switch
            {
                CuBlas.DataType.F16 => MemoryMarshal.AsBytes(Array.ConvertAll(values, value => (Half)value).AsSpan()).ToArray(),
                CuBlas.DataType.BF16 => MemoryMarshal.AsBytes(
                    Array.ConvertAll(values, value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)).AsSpan()).ToArray(),
                _ => MemoryMarshal.AsBytes(values.AsSpan()).ToArray(),
            };
            using var staging = new HostBuffer(device, bytes.Length);
            bytes.CopyTo(staging.Span<byte>(0, bytes.Length));
            ArrayView<byte> target = arena.Take<byte>(bytes.Length);
            device.Upload(staging.Address, target);
            device.Synchronize();
            return target.LoadEffectiveAddressAsPtr();
        }
    }

    private static unsafe int Handles() => ((delegate* unmanaged<int>)NativeLibrary.GetExport(
        NativeLibrary.Load(Path.Combine(Environment.GetEnvironmentVariable("CUBLAS_LIB_DIR")!, "libcublas.so.13")), "stub_blas_handles"))();
}
