using System.Runtime.InteropServices;
using NUnit.Framework;
using SLoRA.Formats;
using SLoRA.Formats.Gguf;

namespace SLoRA.Core.Tests.Formats.Gguf;

/// <summary>Weights put back out of blocks of numbers: whole blocks move, and where none can, numbers are widened.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class GgufViewTests
{
    private const uint F32 = 0;
    private const uint Q8 = 8;

    [Test]
    public void Columns_of_heads_that_are_whole_blocks_move_as_blocks()
    {
        using var file = new Stored(writer => writer.Tensor("w", Q8, Blocks(8), 2, 128));
        // Two key heads with two value heads each: the file has the first of each, then the second of each.
        var view = new DeltaColumnsView(file["w"].Tensor, file["w"].File, new DeltaHeads(2, 4, 8, 32));

        Assert.That(view.Format, Is.EqualTo(file["w"].Tensor.Type.Format));
        byte[] blocks = Blocks(8);
        Assert.That(Read(view, 8 * 34), Is.EqualTo((byte[])[.. ((int[])[0, 2, 1, 3, 4, 6, 5, 7])
            .SelectMany(block => blocks.AsSpan(block * 34, 34).ToArray())]));
    }

    [Test]
    public void Columns_of_heads_within_blocks_are_widened()
    {
        using var file = new Stored(writer => writer.Tensor("w", Q8, Blocks(4), 1, 128));
        var view = new DeltaColumnsView(file["w"].Tensor, file["w"].File, new DeltaHeads(2, 8, 8, 16));

        Assert.That(view.Format, Is.EqualTo(WeightFormat.F32));
        float[] stored = Numbers(4);
        Assert.That(Floats(view, 128), Is.EqualTo((float[])[.. ((int[])[0, 2, 4, 6, 1, 3, 5, 7])
            .SelectMany(head => stored.AsSpan(head * 16, 16).ToArray())]));
    }

    [Test]
    public void Parts_of_different_types_are_widened_and_take_turns()
    {
        float[] second = [.. Enumerable.Range(0, 64).Select(i => i * 0.5f)];
        using var file = new Stored(writer =>
            writer.Tensor("a", Q8, Blocks(2), 2, 32).Tensor("b", F32, MemoryMarshal.AsBytes<float>(second).ToArray(), 2, 32));
        var view = new JoinedView([file["a"], file["b"]], isInTurn: true);

        float[] first = Numbers(2);
        Assert.That(view.Shape, Is.EqualTo((long[])[4, 32]));
        Assert.That(Floats(view, 128), Is.EqualTo((float[])[.. first[..32], .. second[..32], .. first[32..], .. second[32..]]));
    }

    [Test]
    public void Keys_of_a_latent_are_turned_for_each_head_and_lie_before_its_values()
    {
        float[] values = [.. Enumerable.Range(0, 6).Select(i => 100f + i)];
        using var file = new Stored(writer => writer.Tensor("k", Q8, Blocks(6), 2, 3, 32)
            .Tensor("v", F32, MemoryMarshal.AsBytes<float>(values).ToArray(), 2, 1, 3));
        var view = new LatentView(file["k"], file["v"]);

        float[] keys = Numbers(6);
        float[] Head(int head) =>
        [
            .. Enumerable.Range(0, 96).Select(i => keys[(head * 96) + (i % 3 * 32) + (i / 3)]), .. values[(head * 3)..((head * 3) + 3)],
        ];
        Assert.That(view.Shape, Is.EqualTo((long[])[66, 3]));
        Assert.That(Floats(view, 198), Is.EqualTo((float[])[.. Head(0), .. Head(1)]));
    }

    /// <summary>Blocks of Q8_0 with a step of 1: number i of block b is i + b − 40.</summary>
    private static byte[] Blocks(int count) =>
    [
        .. Enumerable.Range(0, count).SelectMany(block =>
            (byte[])[0x00, 0x3C, .. Enumerable.Range(0, 32).Select(i => unchecked((byte)(sbyte)(i + block - 40)))]),
    ];

    private static float[] Numbers(int blocks) =>
        [.. Enumerable.Range(0, blocks * 32).Select(i => (float)((i % 32) + (i / 32) - 40))];

    private static float[] Floats(GgufView view, int count) => MemoryMarshal.Cast<byte, float>(Read(view, count * 4)).ToArray();

    /// <summary>Read in pieces that end within rows.</summary>
    private static byte[] Read(GgufView view, int bytes)
    {
        byte[] all = new byte[bytes];
        for (int at = 0; at < bytes; at += 100)
        {
            view.Read(at, all.AsSpan(at, Math.Min(100, bytes - at)));
        }

        return all;
    }

    private sealed class Stored : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly GgufFiles _files;

        public Stored(Func<GgufWriter, GgufWriter> write) =>
            _files = GgufFiles.Open(_folder.Write("tensors.gguf", write(new GgufWriter()).Write()));

        public (GgufTensor Tensor, WeightFile File) this[string name] => _files.Tensors.Single(stored => stored.Tensor.Name == name);

        public void Dispose()
        {
            _files.Dispose();
            _folder.Dispose();
        }
    }
}
