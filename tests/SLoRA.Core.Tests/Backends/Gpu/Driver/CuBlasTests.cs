using ILGPU;
using ILGPU.Runtime;
using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Gpu.Kernels;
using Half = System.Half;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Products with the base weights through cuBLAS.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class CuBlasTests
{
    [Test]
    public void Products_are_right_in_every_type_and_touch_no_other_column() => StubDriver.Run(BlasScenarios.Numbers, Library);

    [Test]
    public void Activations_are_rounded_once_for_parts_that_share_them() => StubDriver.Run(BlasScenarios.HalfModel, Library);

    [Test]
    public void A_bias_is_added_behind_each_product() => StubDriver.Run(BlasScenarios.BiasModel, Library);

    [Test]
    public void A_library_that_is_not_there_is_named_with_what_was_tried()
    {
        string folder = StubDriver.EmptyFolder;
        string tried = string.Join(", ", new[] { folder + "/", "" }.SelectMany(
            place => new[] { "13", "12", "11" }.Select(version => $"{place}libcublas.so.{version}").Append(place + "libcublas.so")));
        Assert.That(
            StubDriver.Run(BlasScenarios.Refused, ("CUBLAS_LIB_DIR", folder)).TrimEnd(),
            Is.EqualTo($"Unsupported: Products is CuBlas, but cuBLAS is not found (tried {tried}); CUBLAS_LIB_DIR can name its folder."));
    }

    [Test]
    public void A_library_that_refuses_the_device_says_how() => Assert.That(
        StubDriver.Run(BlasScenarios.Refused, Library, ("STUB_BLAS_CREATE", "8")).TrimEnd(),
        Is.EqualTo("Unsupported: cuBLAS refuses CUDA device 0 (Stub 0): cublasCreate gave status 8."));

    [Test]
    public void A_library_without_memory_is_out_of_memory() => Assert.That(
        StubDriver.Run(BlasScenarios.Refused, Library, ("STUB_BLAS_CREATE", "3")).TrimEnd(),
        Is.EqualTo("OutOfMemory: cuBLAS refuses CUDA device 0 (Stub 0): cublasCreate gave status 3."));

    [Test]
    public void A_product_that_fails_ends_the_stream_with_a_typed_error() => Assert.That(
        StubDriver.Run(BlasScenarios.Refused, Library, ("STUB_BLAS_GEMM", "13")).TrimEnd(),
        Is.EqualTo("In a step: CUDA device 0 (Stub 0) failed in cublasGemmEx: status 13."));

    [Test]
    public void OpenCL_devices_refuse_it()
    {
        GpuDevice device = OpenCLDevice.Open();
        var error = Assert.Throws<GpuException>(() => new GpuBackend(device, 8, 8, GpuProducts.CuBlas))!;
        Assert.That(error.Reason, Is.EqualTo(GpuError.Unsupported));
        Assert.That(
            error.Message, Does.StartWith("Products is CuBlas, which OpenCL device 0 (").And.EndWith("cannot do: cuBLAS needs CUDA."));
    }

    [Test]
    public unsafe void Rounding_and_bias_kernels_do_what_they_say()
    {
        const int Rows = 3, Width = 200, First = 7, Outputs = 150;
        using GpuDevice device = OpenCLDevice.Open();
        var loader = new KernelLoader(device);
        using var arena = new DeviceArena(device, 1 << 16, "a test");
        using var host = new HostBuffer(device, 1 << 16);
        float[] x = Values(Rows * Width, 1), bias = Values(Outputs, 2);
        ArrayView<float> onDevice = Send(x), biasOnDevice = Send(bias);
        ArrayView<ushort> narrow = arena.Take<ushort>(Rows * Width);

        loader.Load<NarrowLauncher>(
            BlasKernels.Narrow<ushort, StoredF16>)(device.Stream, Launch.Elements(Rows, Width), onDevice, narrow, Width);
        Assert.That(Read<Half>(narrow.Cast<byte>()), Is.EqualTo(Array.ConvertAll(x, value => (Half)value)));
        loader.Load<NarrowLauncher>(
            BlasKernels.Narrow<ushort, StoredBf16>)(device.Stream, Launch.Elements(Rows, Width), onDevice, narrow, Width);
        Assert.That(Read<ushort>(narrow.Cast<byte>()), Is.EqualTo(Array.ConvertAll(x, StoredBf16.Store)));
        loader.Load<BiasLauncher>(
            BlasKernels.AddBias)(device.Stream, Launch.Elements(Rows, Outputs), biasOnDevice, onDevice, Outputs, Width, First);
        Assert.That(
            Read<float>(onDevice.Cast<byte>()),
            Is.EqualTo(x.Select((value, i) => value + (i % Width is >= First and < First + Outputs ? bias[(i % Width) - First] : 0))));

        ArrayView<float> Send(float[] values)
        {
            values.CopyTo(host.Span<float>(0, values.Length));
            ArrayView<float> target = arena.Take<float>(values.Length);
            device.Upload(host.Address, target.Cast<byte>());
            device.Synchronize();
            return target;
        }

        T[] Read<T>(ArrayView<byte> source)
            where T : unmanaged
        {
            device.Download(source, host.Address);
            device.Synchronize();
            return host.Span<T>(0, (int)source.Length / sizeof(T)).ToArray();
        }
    }

    private static (string Name, string Value) Library => ("CUBLAS_LIB_DIR", StubDriver.BlasFolder);

    private static float[] Values(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (20 * random.NextSingle()) - 10)];
    }
}
