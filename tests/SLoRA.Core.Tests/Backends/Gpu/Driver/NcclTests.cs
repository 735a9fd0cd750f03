using NUnit.Framework;
using SLoRA.Backends.Gpu;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Exchanges through NCCL.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class NcclTests
{
    private static (string Name, string Value) Library => (Nccl.FolderVariable, StubDriver.NcclFolder);

    [Test]
    public void Devices_send_and_receive_once_at_a_meeting_and_communicators_end_with_the_engine() =>
        StubDriver.Run(NcclScenarios.Steps, Library, ("STUB_DEVICES", "2"));

    [Test]
    public void Nothing_is_overwritten_before_it_was_taken() =>
        StubDriver.Run(ShardScenarios.Rounds, Library, ("STUB_DEVICES", "4"));

    [Test]
    public void Steps_allocate_nothing() => StubDriver.Run(ShardScenarios.Allocations, Library, ("STUB_DEVICES", "2"));

    [Test]
    public void An_entry_point_that_fails_while_the_engine_is_built_is_named() =>
        StubDriver.Run(NcclScenarios.BuildFails, Library, ("STUB_DEVICES", "2"));

    [Test]
    public void An_entry_point_that_fails_in_a_step_is_named_and_no_device_waits_for_the_other() =>
        StubDriver.Run(NcclScenarios.StepFails, Library, ("STUB_DEVICES", "2"));

    [Test]
    public void Freeing_that_fails_leaves_nothing() => StubDriver.Run(NcclScenarios.EndFails, Library, ("STUB_DEVICES", "2"));

    [Test]
    public void A_step_that_fails_at_any_call_gives_everything_back() => StubDriver.Run(
        ShardScenarios.StepFails, Library, ("STUB_DEVICES", "2"), (FaultScenarios.EveryVariable, "101"));

    [Test]
    public void Building_that_fails_at_any_call_gives_everything_back() => StubDriver.Run(
        ShardScenarios.BuildFails, Library, ("STUB_DEVICES", "2"), (FaultScenarios.EveryVariable, "131"));

    [Test]
    public void A_library_that_is_not_there_is_named_with_what_was_tried()
    {
        string folder = StubDriver.EmptyFolder;
        Assert.That(
            StubDriver.Run(NcclScenarios.Refused, (Nccl.FolderVariable, folder), ("STUB_DEVICES", "2")).TrimEnd(),
            Is.EqualTo($"Unsupported: Exchange is Nccl, but NCCL is not found (tried {folder}/libnccl.so.2, {folder}/libnccl.so, "
                + "libnccl.so.2, libnccl.so); NCCL_LIB_DIR can name its folder."));
    }

    [Test]
    public void A_library_that_cannot_send_is_too_old() => Assert.That(
        StubDriver.Run(NcclScenarios.Refused, Library, ("STUB_DEVICES", "2"), ("STUB_NCCL_VERSION", "2604")).TrimEnd(),
        Is.EqualTo("Unsupported: Exchange is Nccl, but the NCCL that is installed is version 2604, before 2.7, and cannot send."));

    [Test]
    public void OpenCL_devices_refuse_it()
    {
        GpuDevice device = OpenCLDevice.Open();
        var error = Assert.Throws<GpuException>(() => GpuShards.Create([device], 8, 8, exchange: GpuExchange.Nccl))!;
        Assert.That(error.Reason, Is.EqualTo(GpuError.Unsupported));
        Assert.That(
            error.Message, Does.StartWith("Exchange is Nccl, which OpenCL device 0 (").And.EndWith("cannot do: NCCL needs CUDA."));
    }
}
