using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>Copies into pages on a stream beside that of the steps.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class CopySequenceTests
{
    [Test]
    public void Steps_run_beside_a_copy_and_take_the_adapter_when_it_has_ended() => StubDriver.Run(CopyScenarios.Beside);

    [Test]
    public void A_copy_that_is_given_up_is_waited_for() => StubDriver.Run(CopyScenarios.Cancelled);

    [Test]
    public void A_copy_that_is_given_up_on_a_broken_device_leaves_no_stream_hanging() =>
        StubDriver.Run(CopyScenarios.CancelledOnABrokenDevice);

    [Test]
    public void A_copy_that_fails_at_any_call_ends_every_stream() => StubDriver.Run(CopyScenarios.Fails);

    [Test]
    public void Copies_beside_steps_allocate_no_byte() => StubDriver.Run(CopyScenarios.Allocations, ("DOTNET_TieredCompilation", "0"));

    [Test]
    public void Staging_is_used_again_when_its_copies_have_ended() => StubDriver.Run(CopyScenarios.Ring);
}
