using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Which device an engine gets, and what it says when there is none that it can use.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class DeviceSelectionTests
{
    [Test]
    public void Without_the_drivers_library_the_error_says_so() => Refused(
        "NoDriver gpu.no-driver: NVIDIA's driver is not installed (no libcuda.so.1 or libcuda.so).",
        ("LD_LIBRARY_PATH", StubDriver.EmptyFolder));

    [Test]
    public void Without_any_driver_the_error_names_both() => Refused(
        "NoDevice gpu.no-device: There is no GPU device. NVIDIA's driver is not installed (no libcuda.so.1 or libcuda.so). "
            + "OpenCL is not installed (no libOpenCL.so.1 or libOpenCL.so).",
        ("LD_LIBRARY_PATH", StubDriver.EmptyFolder),
        ("TEST_DRIVER", "Any"));

    [Test]
    public void A_driver_without_a_device_is_named() =>
        Refused("NoDevice gpu.no-device: The CUDA driver has no device.", ("STUB_DEVICES", "0"));

    [Test]
    public void A_driver_that_does_not_start_is_quoted() => Refused(
        "NoDevice gpu.no-device: The CUDA driver has no device (CUDA_ERROR_NOT_INITIALIZED).", ("STUB_INIT", "999"));

    [Test]
    public void A_device_that_is_not_there_is_counted() => Refused(
        "NoDevice gpu.no-device: The CUDA driver has 2 devices; there is no device 3.", ("STUB_DEVICES", "2"), ("TEST_DEVICE", "3"));

    [Test]
    public void A_driver_that_is_too_old_is_told_what_is_needed() => Refused(
        "DriverTooOld gpu.driver-too-old: CUDA device 0 (Stub 0) has a driver for CUDA 10.2; the kernels need one for 11.0 or newer.",
        ("STUB_DRIVER", "10020"));

    [Test]
    public void A_device_that_is_too_old_is_told_what_is_needed() => Refused(
        "DriverTooOld gpu.driver-too-old: CUDA device 0 (Stub 0) has compute capability 6.1; the kernels need 7.0 or newer.",
        ("STUB_CAPABILITY", "61"));

    [Test]
    public void Weights_and_pool_that_do_not_fit_are_out_of_memory() => Refused(
        "OutOfMemory gpu.out-of-memory: CUDA device 0 (Stub 0) could not give 1044480 bytes for the page pool: "
            + "CUDA_ERROR_OUT_OF_MEMORY (as the test asked).",
        ("STUB_MEMORY", "1000000"));

    [Test]
    public void A_kernel_that_the_driver_rejects_brings_the_drivers_log() => Refused(
        "KernelRejected gpu.kernel-rejected: CUDA device 0 (Stub 0) does not accept the kernel Expand: CUDA_ERROR_INVALID_PTX (as the test "
        + "asked); "
            + "ptxas application ptx input, line 7; error : as the test asked.",
        ("STUB_REJECT", "Expand"));

    [Test]
    public void Engines_on_one_device_share_its_context_and_the_last_one_closes_it() =>
        StubDriver.RunAlone(SelectionScenarios.Shared, ("STUB_DEVICES", "2"));

    private static void Refused(string expected, params ReadOnlySpan<(string Name, string Value)> environment) =>
        Assert.That(StubDriver.RunAlone(SelectionScenarios.Refused, environment).TrimEnd(), Is.EqualTo(expected));
}
