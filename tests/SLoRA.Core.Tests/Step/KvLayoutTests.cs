using System.Collections.Immutable;
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

    [Test]
    public void Of_integers_the_scales_of_a_heads_tokens_follow_its_elements()
    {
        // 16 tokens × 16 columns are 256 bytes of a head's integers, and 16 scales of 4 bytes are 64.
        KvLayout layout = KvLayout.For([new KeyValueShape(2, 16), new KeyValueShape(2, 16)], TensorType.I8, 16);

        Assert.That(layout.HasScales);
        Assert.That(
            layout.Layers, Is.EqualTo(new[] { new LayerBlock(0, 640, 320, 0, 256), new LayerBlock(1280, 1920, 320, 0, 256) }));
        Assert.That(layout.PageBytes, Is.EqualTo(2560));
    }

    [Test]
    public void Integers_of_a_token_and_scales_begin_at_multiples_of_sixteen()
    {
        // 2 tokens of 6 columns have 16 bytes each, 2 scales 8.
        KvLayout layout = KvLayout.For([new KeyValueShape(3, 6)], TensorType.I8, 2);

        Assert.That(layout.Layers, Is.EqualTo(new[] { new LayerBlock(0, 144, 48, 0, 32) }));
    }

    [Test]
    public void A_latent_has_a_scale_and_the_part_that_rotates_another()
    {
        // 16 tokens of 16 columns and of 8, which have room for 16, are 512 bytes, and 2 × 16 scales 128.
        KvLayout layout = KvLayout.For([new KeyValueShape(1, 24) { ValueDim = 0, OwnScaleColumns = 8 }], TensorType.I8, 16);

        Assert.That(layout.Layers, Is.EqualTo(new[] { new LayerBlock(0, 640, 640, 0, 512) }));
    }

    [TestCase(30, 3, 64, 16, 16, 17 / 32.0, Description = "SmolLM2 135M: 68 bytes where 128 were")]
    [TestCase(32, 8, 128, 16, 16, 33 / 64.0, Description = "Llama 3.1 8B: 132 bytes where 256 were")]
    [TestCase(80, 8, 128, 4, 8, 33 / 64.0, Description = "Llama 3.1 70B: pages of 1.25 MiB, and of 1.29 MiB with twice the tokens")]
    public void In_8_bits_a_token_takes_half_of_what_it_takes_in_16(
        int layers, int heads, int dim, int wideTokens, int narrowTokens, double share)
    {
        ImmutableArray<KeptState> kept = [.. Enumerable.Repeat<KeptState>(new KeyValueShape(heads, dim), layers)];
        KvLayout wide = KvLayout.For(kept, TensorType.BF16);
        KvLayout narrow = KvLayout.For(kept, TensorType.I8);

        Assert.That((wide.PageTokens, narrow.PageTokens), Is.EqualTo((wideTokens, narrowTokens)));
        Assert.That(
            (double)narrow.PageBytes / narrowTokens, Is.EqualTo(share * wide.PageBytes / wideTokens).Within(0.001 * wide.PageBytes));
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

    [Test]
    public void A_decoder_without_states_has_no_pages_for_them()
    {
        KvLayout layout = KvLayout.For([new KeyValueShape(1, 8)], TensorType.F32);

        Assert.That(layout.States, Is.Empty);
        Assert.That(layout.StatePages, Is.Zero);
    }

    [Test]
    public void States_stand_in_slots_the_largest_parts_first_and_those_of_one_size_side_by_side()
    {
        // A page has 2 × 16 × 16 × 4 bytes, 2048. Two layers with 3 matrices of 64 × 4 bytes and 2 rows of 20 × 4, rounded up to 128 bytes,
        // and one whose matrix has 300 × 4, rounded up to 1216, so that a page has a slot for one.
        KeptState recurrent = new(null, new StateShape(3, 64), new StateShape(2, 20));
        KvLayout layout =
            KvLayout.For([recurrent, new KeyValueShape(1, 16), recurrent, new(null, new StateShape(1, 300))], TensorType.F32, 16);

        Assert.That((layout.PageBytes, layout.Layers.Length), Is.EqualTo((2048L, 1)));

        // The slots of 256 bytes begin behind 1216 bytes, at the fifth, those of 128 behind eleven of them: at 768 of the second page.
        Assert.That(layout.States, Is.EqualTo(new[]
        {
            new StateBlock(5, 8, 256), new StateBlock(16 + 6, 16, 128), new StateBlock(8, 8, 256), new StateBlock(16 + 8, 16, 128),
            new StateBlock(0, 1, 1216),
        }));
        Assert.That(layout.StatePages, Is.EqualTo(2));
        Assert.That((layout.States[2].PageOf(2), layout.States[2].OffsetOf(2)), Is.EqualTo((1, 512L)));
        Assert.That((layout.States[1].PageOf(1), layout.States[1].OffsetOf(1)), Is.EqualTo((1, 896L)));
    }

    [Test]
    public void A_page_is_as_large_as_the_largest_part_of_a_state()
    {
        KvLayout layout = KvLayout.For([new KeyValueShape(1, 16), new(null, new StateShape(3, 1000))], TensorType.F32, 16);

        Assert.That((layout.PageBytes, layout.StatePages), Is.EqualTo((4032L, 3)));
    }

    /// <summary>What families keep of a sequence, beside 16-bit keys and values: it takes no page more than its bytes ask for.</summary>
    /// <param name="layers">Recurrent layers.</param>
    /// <param name="attentions">Attention layers.</param>
    /// <param name="keyHeads">KV heads of these.</param>
    /// <param name="dim">Columns of one.</param>
    /// <param name="heads">Heads of a recurrent layer; 0 for a short convolution alone.</param>
    /// <param name="matrix">Numbers of the matrix of a head.</param>
    /// <param name="taps">Inputs that the convolution looks back at.</param>
    /// <param name="channels">Its channels.</param>
    /// <param name="pages">Pages of states.</param>
    [TestCase(36, 12, 2, 256, 32, 128 * 128, 3, 8192, 201, Description = "delta nets: 75.4 MiB in pages of 384 KiB")]
    [TestCase(36, 4, 8, 128, 48, 64 * 128, 3, 3328, 222, Description = "Mamba-2: 55.4 MiB in pages of 256 KiB")]
    [TestCase(10, 6, 8, 64, 0, 0, 2, 2048, 1, Description = "short convolutions: 160 KiB in a page of 192 KiB")]
    public void States_of_families_take_what_they_have(
        int layers, int attentions, int keyHeads, int dim, int heads, int matrix, int taps, int channels, int pages)
    {
        StateShape convolution = new(taps, channels);
        KeptState layer = heads == 0 ? new(null, convolution) : new(null, new StateShape(heads, matrix), convolution);
        KvLayout layout = KvLayout.For(
            [.. Enumerable.Repeat(layer, layers), .. Enumerable.Repeat(new KeyValueShape(keyHeads, dim), attentions)], TensorType.BF16);

        long bytes = layers * 4L * ((heads * matrix) + (taps * channels));
        Assert.That(layout.PageBytes, Is.EqualTo(16L * 2 * 2 * attentions * keyHeads * dim));
        Assert.That((bytes + layout.PageBytes - 1) / layout.PageBytes, Is.EqualTo(pages));
        Assert.That(layout.StatePages, Is.EqualTo(pages));
    }

    [SeededProperty]
    public void Parts_of_states_lie_apart_each_in_one_page_and_waste_less_than_a_part_and_the_ends_of_pages(
        NonEmptyArray<byte> shapes, byte head)
    {
        StateShape[] states = [.. shapes.Get.Select(shape => new StateShape(1 + (shape % 9), 1 + (shape / 9 * 40)))];
        KvLayout layout = KvLayout.For(
            [new KeyValueShape(1, 1 + head), .. states.Select(state => new KeptState(null, state))], TensorType.F32, 8);

        var parts = new List<(long Start, long End)>();
        for (int state = 0; state < states.Length; state++)
        {
            StateBlock block = layout.States[state];
            Assert.That(block.PartBytes, Is.EqualTo(states[state].PartBytes).And.GreaterThanOrEqualTo(4 * states[state].Elements));
            for (int part = 0; part < states[state].Parts; part++)
            {
                Assert.That(block.PageOf(part), Is.InRange(0, layout.StatePages - 1));
                Assert.That(block.OffsetOf(part) % 64, Is.Zero);
                Assert.That(block.OffsetOf(part) + block.PartBytes, Is.LessThanOrEqualTo(layout.PageBytes));
                long start = (block.PageOf(part) * layout.PageBytes) + block.OffsetOf(part);
                parts.Add((start, start + block.PartBytes));
            }
        }

        parts.Sort();
        Assert.That(parts.Zip(parts.Skip(1)).All(pair => pair.First.End <= pair.Second.Start), "no two parts overlap");

        // In front of a part lie less than one of its own size and, where a page begins, the end of the one before.
        long end = 0;
        foreach ((long start, long partEnd) in parts)
        {
            Assert.That(start - end, Is.LessThan(2 * (partEnd - start)));
            end = partEnd;
        }

        Assert.That(layout.StatePages, Is.EqualTo((int)((end + layout.PageBytes - 1) / layout.PageBytes)));
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
