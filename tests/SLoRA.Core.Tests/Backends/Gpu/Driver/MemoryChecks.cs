using ILGPU;
using ILGPU.Runtime;
using NUnit.Framework;
using SLoRA.Backends.Gpu;

namespace SLoRA.Core.Tests.Backends.Gpu.Driver;

/// <summary>What must hold of device memory and copies under every driver.</summary>
internal static unsafe class MemoryChecks
{
    private const int Seed = 20240611;

    /// <summary>Copies of parts move those parts alone, in the order in which they were asked for.</summary>
    public static void Copies(GpuDevice device)
    {
        using var arena = new DeviceArena(device, 4096, "a test");
        using var host = new HostBuffer(device, 4096);
        byte[] expected = Random(4096);
        expected.CopyTo(host.Span<byte>(0, 4096));
        device.Upload(host.Address, arena.All);
        device.Synchronize();
        var random = new Random(Seed);
        for (int i = 0; i < 100; i++)
        {
            int length = random.Next(1, 300);
            int from = random.Next(0, 2048 - length);
            int to = random.Next(2048, 4096 - length);
            if (i % 3 == 0)
            {
                device.Copy(arena.All.SubView(from, length), arena.All.SubView(to, length));
                expected.AsSpan(from, length).CopyTo(expected.AsSpan(to));
            }
            else
            {
                byte[] piece = Random(length, i);
                piece.CopyTo(host.Span<byte>(from, length));
                device.Upload(host.Address + from, arena.All.SubView(from, length));
                device.Synchronize();
                piece.CopyTo(expected, from);
            }

            host.Span<byte>(0, 4096).Clear();
            device.Download(arena.All.SubView(from, length), host.Address + from);
            device.Synchronize();
            Assert.That(host.Span<byte>(from, length).SequenceEqual(expected.AsSpan(from, length)), $"copy {i}");
            Assert.That(host.Span<byte>(0, from).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "in front of a download");
            Assert.That(host.Span<byte>(from + length, 4096 - from - length)
                .IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "behind a download");
        }

        device.Upload(host.Address, arena.All.SubView(0, 0));
        device.Download(arena.All, host.Address);
        device.Synchronize();
        Assert.That(host.Span<byte>(0, 4096).SequenceEqual(expected), "everything at the end");
    }

    /// <summary>Blocks are aligned, do not overlap, and end with the arena.</summary>
    public static void Arena(GpuDevice device)
    {
        using var arena = new DeviceArena(device, DeviceArena.Rounded(12) + DeviceArena.Rounded(1028) + 8, "a test");
        ArrayView<float> first = arena.Take<float>(3);
        ArrayView<float> second = arena.Take<float>(257);
        Assert.That(arena.Take<float>(0).Length, Is.Zero);
        ArrayView<ushort> last = arena.Take<ushort>(4);
        Assert.That((first.Length, second.Length, last.Length), Is.EqualTo((3L, 257L, 4L)));
        Fill(device, first, 1);
        Fill(device, second, 2);
        using var host = new HostBuffer(device, arena.All.Length);
        device.Download(arena.All, host.Address);
        device.Synchronize();
        Assert.That(host.Span<float>(0, 3).ToArray(), Is.All.EqualTo(1f));
        Assert.That(host.Span<float>(DeviceArena.Alignment, 257).ToArray(), Is.All.EqualTo(2f));
        var error = Assert.Throws<InvalidOperationException>(() => arena.Take<byte>(300))!;
        Assert.That(error.Message, Does.StartWith("The a test on ").And.Contains("were to take 1544 bytes"));
    }

    /// <summary>Elements, bytes and the end of a buffer.</summary>
    public static void Host(GpuDevice device)
    {
        var host = new HostBuffer(device, 1024);
        host.Span<byte>(0, 1024).Fill(0xFF);
        host.Span<int>(256, 4).Fill(7);
        Assert.That(host.Span<int>(252, 6).ToArray(), Is.EqualTo((int[])[-1, 7, 7, 7, 7, -1]));
        Assert.That((host.Bytes, (long)host.Address % sizeof(long)), Is.EqualTo((1024L, 0L)));
        host.Dispose();
        host.Dispose();
        Assert.That(host.Address == null, "it is gone");
    }

    /// <summary>Writes and reads larger than the staging, copies and zeros of pages, and what does not lie in a page.</summary>
    public static void Pages(GpuDevice device)
    {
        const int PageBytes = 3 << 20;
        using var pages = new GpuPageMemory(device, 3, PageBytes);
        byte[][] expected = [Random(PageBytes, 1), Random(PageBytes, 2), Random(PageBytes, 3)];
        for (int page = 0; page < 3; page++)
        {
            // Together three times the staging: it is waited for and used again.
            pages.Write(page, 0, expected[page]);
        }

        for (int i = 0; i < 50; i++)
        {
            byte[] piece = Random(1 + (i * 977), i);
            pages.Write(i % 3, i * 1013, piece);
            piece.CopyTo(expected[i % 3], i * 1013);
        }

        // As much beside the steps, over pages that were just written, are read, written and copied at once afterwards.
        long mark = 0;
        for (int page = 0; page < 3; page++)
        {
            expected[page] = Random(PageBytes, 10 + page);
            mark = pages.WriteBeside(page, 0, expected[page]);
        }

        byte[] start = new byte[1000];
        pages.Read(2, PageBytes - 1000, start);
        Assert.That(start.AsSpan().SequenceEqual(expected[2].AsSpan(PageBytes - 1000)), "a page is read while a copy into it is under way");
        for (int i = 0; i < 50; i++)
        {
            byte[] piece = Random(1 + (i * 977), 20 + i);
            mark = i % 2 == 0 ? pages.WriteBeside(i % 3, i * 1013, piece) : mark;
            if (i % 2 == 1)
            {
                pages.Write(i % 3, i * 1013, piece);
            }

            piece.CopyTo(expected[i % 3], i * 1013);
        }

        pages.Settle();
        Assert.That(pages.IsWritten(mark), "everything that was written before");
        pages.WriteBeside(1, 7, [9, 9]);
        ((byte[])[9, 9]).CopyTo(expected[1], 7);
        pages.Copy(1, 0);
        expected[1].CopyTo(expected[0], 0);
        pages.Write(2, 5, [1, 2, 3]);
        pages.Clear(2);
        Array.Clear(expected[2]);
        pages.Write(2, PageBytes - 1, [9]);
        expected[2][^1] = 9;
        pages.Write(1, PageBytes - 5, [1, 2, 3, 4, 5]);
        ((byte[])[1, 2, 3, 4, 5]).CopyTo(expected[1], PageBytes - 5);
        for (int page = 0; page < 3; page++)
        {
            byte[] read = new byte[PageBytes - 3];
            pages.Read(page, 3, read);
            Assert.That(read.AsSpan().SequenceEqual(expected[page].AsSpan(3)), $"page {page}");
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => pages.Clear(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => pages.Write(3, 0, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pages.Write(-1, 0, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pages.Write(0, -1, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pages.Write(0, PageBytes, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pages.WriteBeside(3, 0, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pages.WriteBeside(0, PageBytes, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pages.Read(0, PageBytes - 1, new byte[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pages.Copy(0, 3));
    }

    private static void Fill(GpuDevice device, ArrayView<float> target, float value)
    {
        using var host = new HostBuffer(device, target.Length * sizeof(float));
        host.Span<float>(0, (int)target.Length).Fill(value);
        device.Upload(host.Address, target.Cast<byte>());
        device.Synchronize();
    }

    private static byte[] Random(int length, int salt = 0)
    {
        var bytes = new byte[length];
        new Random(Seed + salt).NextBytes(bytes);
        return bytes;
    }
}
