using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Several devices on the stub driver.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ShardSequenceTests
{
    [Test]
    public void Devices_that_reach_each_other_take_one_copy_of_each_at_a_meeting() =>
        StubDriver.Run(ShardScenarios.PeerCopies, ("STUB_DEVICES", "2"), ("STUB_PEERS", "1"));

    [Test]
    public void Devices_that_do_not_reach_each_other_go_through_page_locked_memory() =>
        StubDriver.Run(ShardScenarios.ThroughMainMemory, ("STUB_DEVICES", "2"));

    [Test]
    public void Nothing_is_overwritten_before_it_was_taken([Values("0", "1")] string peers) =>
        StubDriver.Run(ShardScenarios.Rounds, ("STUB_DEVICES", "4"), ("STUB_PEERS", peers));

    [Test]
    public void Steps_of_two_devices_allocate_nothing() =>
        StubDriver.Run(ShardScenarios.Allocations, ("STUB_DEVICES", "2"), ("STUB_PEERS", "1"));

    [Test]
    public void A_step_that_fails_at_any_call_gives_everything_back() => StubDriver.Run(
        ShardScenarios.StepFails, ("STUB_DEVICES", "2"), ("STUB_PEERS", "1"), (FaultScenarios.EveryVariable, "17"));

    [Test]
    public void Building_that_fails_at_any_call_gives_everything_back() => StubDriver.Run(
        ShardScenarios.BuildFails, ("STUB_DEVICES", "2"), ("STUB_PEERS", "1"), (FaultScenarios.EveryVariable, "29"));

    [Test]
    public void A_device_that_is_not_there_is_named() => StubDriver.Run(ShardScenarios.MissingDevice, ("STUB_DEVICES", "2"));
}
