using NUnit.Framework;
using SLoRA.Backends.Cpu;
using SLoRA.Native;

namespace SLoRA.Core.Tests.Native;

public sealed class ProcessMemoryTests
{
    [Test]
    public void The_limit_of_the_garbage_collected_heap_is_no_limit_of_native_memory()
        => ChildProcess.Run(TakeMoreThanTheHeap, ("DOTNET_GCHeapHardLimit", "0x8000000"));

    [Test]
    public void The_smallest_of_machine_control_group_and_the_groups_above_it_counts()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("Control groups are Linux's.");
        }

        using var folder = new TemporaryFolder();
        Write("proc/meminfo", "MemTotal:        8388608 kB\nMemFree:         1 kB\n");
        Assert.That(ProcessMemory.Find(folder.Path), Is.EqualTo((8L << 30, "the machine's memory")));
        Write("proc/self/cgroup", "0::/system.slice/app.service\n");
        Write("sys/fs/cgroup/system.slice/app.service/memory.max", "max\n");
        Assert.That(ProcessMemory.Find(folder.Path).Bytes, Is.EqualTo(8L << 30));
        Write("sys/fs/cgroup/system.slice/memory.max", "2147483648\n");
        Assert.That(ProcessMemory.Find(folder.Path), Is.EqualTo((2L << 30, "the limit of its control group")));
        Write("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/docker/abc\n");
        Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n");
        Assert.That(ProcessMemory.Find(folder.Path), Is.EqualTo((1L << 30, "the limit of its control group")));

        void Write(string path, string text)
        {
            string file = Path.Combine(folder.Path, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
        }
    }

    [Test]
    public void A_system_that_says_nothing_has_no_limit()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("Other systems are asked by calls.");
        }

        using var folder = new TemporaryFolder();
        Assert.That(ProcessMemory.Find(folder.Path).Bytes, Is.EqualTo(long.MaxValue));
    }

    internal static void TakeMoreThanTheHeap()
    {
        Assert.That(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, Is.EqualTo(128L << 20));
        using var memory = new AlignedMemory(256L << 20);
        Assert.That(memory.Bytes, Is.EqualTo(256L << 20));
    }
}
