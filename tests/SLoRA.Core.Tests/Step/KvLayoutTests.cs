using FsCheck;
using NUnit.Framework;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Step;

/// <summary>Where keys and values lie, worked out by hand.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class KvLayoutTests
{
    [Test]
    public void A_layer_is_its_keys_head_by_head_and_then_its_values()
    {
        // 16 tokens × 16 columns × 4 bytes are 1024 bytes of a head.
        KvLayout layout = KvLayout.For([new KeyValueShape(2, 16), new KeyValueShape(2, 16)], TensorType.F32, 16);

        Assert.That(layout.Layers, Is.EqualTo(new[] { new LayerBlock(0, 2048, 1024), new LayerBlock(4096, 6144, 1024) }));
        Assert.That((layout.Type, layout.PageTokens, layout.PageBytes), Is.EqualTo((TensorType.F32, 16, 8192L)));
    }

    [Test]
    public void Layers_may_differ()
    {
        // 4 tokens × 8 columns × 2 bytes are 64 bytes of the one head, 4 × 4 × 2 are 32 of each of the three.
        KvLayout layout = KvLayout.For([new KeyValueShape(1, 8), new KeyValueShape(3, 4)], TensorType.BF16, 4);

        Assert.That(layout.Layers, Is.EqualTo(new[] { new LayerBlock(0, 64, 64), new LayerBlock(128, 224, 32) }));
    }

    [TestCase(130, 1088, Description = "2 × 130 × 4 bytes are 1040: seventeen times 64")]
    [TestCase(136, 1088, Description = "2 × 136 × 4 bytes are 1088")]
    [TestCase(8, KvLayout.SmallestPage, Description = "64 bytes are too few for a tile")]
    public void A_page_is_rounded_up_and_never_too_small_for_a_tile(int headDim, long bytes) =>
        Assert.That(KvLayout.For([new KeyValueShape(1, headDim)], TensorType.F32, 1).PageBytes, Is.EqualTo(bytes));

    [TestCase(1, 16, Description = "4 KiB of a token")]
    [TestCase(32, 16, Description = "128 KiB of a token, 2 MiB of a page")]
    [TestCase(33, 8, Description = "a little more")]
    [TestCase(500, 1, Description = "2000 KiB of a token")]
    [TestCase(2000, 1, Description = "no page can be that small")]
    public void By_default_a_page_has_as_many_tokens_as_fit_into_two_mebibytes(int layers, int tokens)
    {
        // Two times 8 heads × 128 columns × 2 bytes: 4 KiB of each token in each layer.
        KvLayout layout = KvLayout.For([.. Enumerable.Repeat(new KeyValueShape(8, 128), layers)], TensorType.F16);

        Assert.That(layout.PageTokens, Is.EqualTo(tokens));
        Assert.That(layout.PageBytes, Is.EqualTo(tokens * layers * 4096L));
    }

    [Test]
    public void What_is_asked_for_is_taken_however_large_the_page_becomes()
    {
        KvLayout layout = KvLayout.For([.. Enumerable.Repeat(new KeyValueShape(8, 128), 64)], TensorType.F16, 64);

        Assert.That((layout.PageTokens, layout.PageBytes), Is.EqualTo((64, 16L << 20)));
    }

    [Test]
    public void A_decoder_that_keeps_nothing_has_pages_for_adapters_alone()
    {
        KvLayout layout = KvLayout.For([], TensorType.F32);

        Assert.That(layout.Layers, Is.Empty);
        Assert.That((layout.PageTokens, layout.PageBytes), Is.EqualTo((16, KvLayout.SmallestPage)));
    }

    [TestCase(0, 0)]
    [TestCase(1, 1)]
    [TestCase(16, 1)]
    [TestCase(17, 2)]
    [TestCase(int.MaxValue, 134_217_728)]
    public void Tokens_need_whole_pages(int tokens, int pages) =>
        Assert.That(KvLayout.For([new KeyValueShape(1, 4)], TensorType.F32).PagesFor(tokens), Is.EqualTo(pages));

    [SeededProperty]
    public void Layers_lie_behind_each_other_without_a_gap_and_inside_the_page(NonEmptyArray<byte> shapes, byte tokens)
    {
        KeyValueShape[] kept = [.. shapes.Get.Select(shape => new KeyValueShape(1 + (shape % 8), 1 + (shape / 8)))];
        KvLayout layout = KvLayout.For([.. kept], TensorType.BF16, 1 << (tokens % 6));

        long end = 0;
        for (int layer = 0; layer < kept.Length; layer++)
        {
            LayerBlock block = layout.Layers[layer];
            Assert.That(block.HeadBytes, Is.EqualTo(2L * layout.PageTokens * kept[layer].HeadDim));
            Assert.That(block.KeyOffset, Is.EqualTo(end));
            Assert.That(block.ValueOffset, Is.EqualTo(end + (kept[layer].Heads * block.HeadBytes)));
            end = block.ValueOffset + (kept[layer].Heads * block.HeadBytes);
        }

        Assert.That(layout.PageBytes % 64, Is.Zero);
        Assert.That(layout.PageBytes, Is.InRange(end, Math.Max(KvLayout.SmallestPage, end + 63)));
    }
}
