using NUnit.Framework;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Cpu;

public sealed class CpuBackendTests
{
    [Test]
    public void Pages_hold_what_was_written_and_refuse_what_does_not_fit()
    {
        using var backend = new CpuBackend(1, 1, threads: 1);
        backend.AllocatePages(Layouts.For(TensorType.F32, 4, Layouts.Attention(1, 1, 8)), 3);
        byte[] bytes = [1, 2, 3, 4, 5];
        backend.Pages.Write(2, backend.Pages.PageBytes - 5, bytes);
        var read = new byte[5];
        backend.Pages.Read(2, backend.Pages.PageBytes - 5, read);
        Assert.That(read, Is.EqualTo(bytes));
        Assert.That(() => backend.Pages.Write(2, backend.Pages.PageBytes - 4, bytes), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => backend.Pages.Read(3, 0, read), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => backend.Pages.Read(-1, 0, read), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void A_pool_larger_than_the_machine_is_refused()
    {
        using var backend = new CpuBackend(1, 1, threads: 1);
        Assert.That(
            () => backend.AllocatePages(Layouts.For(TensorType.F32, 16, Layouts.Attention(8, 8, 128)), int.MaxValue),
            Throws.TypeOf<MemoryException>()
                .With.Property(nameof(MemoryException.Option)).EqualTo("Pool.Bytes").And.Message.Contains("make Pool.Bytes smaller"));
    }

    [Test]
    public void A_disposed_backend_can_be_disposed_again()
    {
        var backend = new CpuBackend(2, 2, threads: 2);
        backend.Dispose();
        Assert.That(backend.Dispose, Throws.Nothing);
    }
}
