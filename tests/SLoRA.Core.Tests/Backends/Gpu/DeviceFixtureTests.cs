using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu;

public sealed class DeviceFixtureTests
{
    [Test]
    public void Fixtures_of_the_Gpu_backend_are_left_out_without_a_GPU_or_an_OpenCL_driver() => SharedDevice.IgnoreWithout();
}
