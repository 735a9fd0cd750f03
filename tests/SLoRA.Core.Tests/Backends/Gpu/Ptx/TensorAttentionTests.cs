using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>Attention on tensor cores, the text that a driver would get, in the interpreter.</summary>
[NonParallelizable]
public sealed class TensorAttentionTests
{
    private const string Walk = "TensorAttentionKernels.Walk";
    private const string Split = "TensorAttentionKernels.Split";

    private static readonly GroupedAttention _chunked =
        Layouts.Attention(3, 3, 24) with { Chunk = 48, ScoreCap = 5, ScoreScale = 1.5f };

    /// <summary>
    /// Heads, cache, tokens of a page, chunks of rows, and the kernels that these need: contexts of one position, ends of pages, blocks and
    /// splits, windows, caps, tiles of one row and of several, more query heads of a key head than a tile has, columns beside whole runs.
    /// </summary>
    private static readonly Dictionary<string, Shape> _shapes = new()
    {
        ["one position"] = new(Layouts.Attention(1, 1, 8), TensorType.BF16, 2, [Walk], [new(0, 1)]),
        ["rows of several tiles"] = new(Layouts.Attention(6, 2, 40), TensorType.BF16, 4, [Walk], [new(0, 30), new(38, 1)]),
        ["wide heads"] = new(Layouts.Attention(3, 1, 136), TensorType.F16, 16, [Walk], [new(0, 5), new(63, 1)]),
        ["the widest heads"] = new(Layouts.Attention(2, 1, 256), TensorType.BF16, 16, [Walk], [new(62, 4)]),
        ["integers"] = new(Layouts.Attention(4, 2, 64), TensorType.I8, 16, [Split, Walk], [new(0, 17), new(256, 1)]),
        ["a window"] = new(Layouts.Attention(40, 2, 16, 7), TensorType.BF16, 8, [Split, Walk], [new(60, 9), new(300, 1)]),
        ["chunks and a cap"] = new(_chunked, TensorType.F16, 2, [Split, Walk], [new(90, 12), new(260, 1)]),
        ["splits"] = new(Layouts.Attention(2, 1, 8, 257), TensorType.I8, 32, [Split, Walk], [new(511, 1), new(254, 5)]),
        ["halves"] = new(Layouts.Attention(4, 1, 72), TensorType.F16, 32, [Split], [new(300, 1)]),
        ["split wide heads"] = new(Layouts.Attention(2, 2, 192), TensorType.BF16, 32, [Split], [new(319, 1)]),
    };

    private static IEnumerable<string> Names => _shapes.Keys;

    [TestCaseSource(nameof(Names))]
    public void Attention_agrees_with_the_Reference(string name)
    {
        Shape shape = _shapes[name];
        using GpuTwin twin = PtxDevice.Twin(shape.Chunks.Length, 100);
        PtxKernelLoader.Launches.Clear();
        AttentionChecks.Agree(
            twin, shape.Attention, shape.Type, shape.PageTokens, 100, withSinks: shape.PageTokens == 16, shape.Chunks);
        Assert.That(shape.Kernels, Is.SubsetOf(PtxKernelLoader.Launches));
        Assert.That(PtxKernelLoader.Launches, Does.Not.Contain("AttentionKernels.Attend"));
    }

    /// <summary>Keys that loads of 16 bytes do not take, and fp32.</summary>
    [TestCase(12, "BF16")]
    [TestCase(264, "F16")]
    [TestCase(8, "F32")]
    public void What_tensor_cores_do_not_take_the_plain_kernel_does(int columns, string type)
    {
        using GpuTwin twin = PtxDevice.Twin(1, 5);
        PtxKernelLoader.Launches.Clear();
        AttentionChecks.Agree(twin, Layouts.Attention(2, 1, columns), Enum.Parse<TensorType>(type), 4, 5, new Chunk(0, 2));
        Assert.That(PtxKernelLoader.Launches, Does.Contain("AttentionKernels.Attend").And.Not.Contain(Walk));
    }

    [Test]
    public void A_device_without_tensor_cores_takes_the_plain_kernel()
    {
        using var twin = new GpuTwin(PtxDevice.Device, new GpuKernels(PtxDevice.Loader), 7, 3, 0);
        PtxKernelLoader.Launches.Clear();
        AttentionChecks.Agree(twin, Layouts.Attention(2, 1, 8), TensorType.BF16, 4, 3, new Chunk(0, 2));
        Assert.That(PtxKernelLoader.Launches, Does.Contain("AttentionKernels.Attend").And.Not.Contain(Walk));
    }

    /// <summary>
    /// A row alone, whose splits have a group each, the same row as the last of a chunk, which walks through them, and in chunks of any cut
    /// beside other rows.
    /// </summary>
    [TestCase(3, 1, 24, null, "BF16")]
    [TestCase(4, 2, 8, 40, "I8")]
    [TestCase(1, 1, 136, null, "F16")]
    public void A_row_has_the_same_bits_alone_and_in_chunks_of_any_cut_beside_others(
        int heads, int keyHeads, int columns, int? window, string type)
    {
        const int Length = 272;
        const int First = 252;
        GroupedAttention attention = Layouts.Attention(heads, keyHeads, columns, window) with { ScoreCap = columns == 8 ? 3 : null };
        using GpuTwin twin = PtxDevice.Twin(heads, Length);
        var sequence = new Sequence(twin, attention, Enum.Parse<TensorType>(type), Length, Length);
        var random = new Random(columns);
        float[][] whole = sequence.Attend(new Chunk(First, Length - First));
        foreach (int position in (int[])[First, 255, 256, Length - 1])
        {
            Assert.That(sequence.Attend(new Chunk(position, 1))[0], Is.EqualTo(whole[position - First]), $"position {position} alone");
        }

        for (int position = First; position < Length;)
        {
            int count = Math.Min(Length - position, random.Next(1, 12));
            int other = position + count < Length ? Length - 1 : First - 1;
            float[][] rows = sequence.Attend(new Chunk(0, 3), new Chunk(position, count), new Chunk(other, 1));
            Assert.That(rows[3..^1], Is.EqualTo(whole[(position - First)..(position - First + count)]), $"from position {position}");
            position += count;
        }
    }

    /// <summary>On tensor cores, and fp32, which the plain kernel takes.</summary>
    [TestCase("F32")]
    [TestCase("BF16")]
    [TestCase("I8")]
    public void Splits_whose_scores_are_all_minus_infinity_have_no_weight(string type)
    {
        using GpuTwin twin = PtxDevice.Twin(2, UnweighedKeyChecks.LengthOf(256));
        UnweighedKeyChecks.Splits(twin, Enum.Parse<TensorType>(type), 256);
    }

    /// <summary>Tiles of one row and of several, terms of one and of two, windows whose first position rows pass one by one.</summary>
    [TestCase(3, 1, 24, null, "BF16")]
    [TestCase(1, 1, 16, 20, "BF16")]
    [TestCase(2, 2, 72, null, "F16")]
    [TestCase(4, 2, 136, 30, "F16")]
    [TestCase(4, 2, 8, 20, "I8")]
    public void A_value_that_is_not_finite_reaches_no_row_that_does_not_see_it(
        int heads, int keyHeads, int columns, int? window, string type)
    {
        using GpuTwin twin = PtxDevice.Twin(heads, 90);
        PtxKernelLoader.Launches.Clear();
        GroupedAttention attention = Layouts.Attention(heads, keyHeads, columns, window);
        TensorType cache = Enum.Parse<TensorType>(type);
        const int Length = NotFiniteChecks.Length;
        NotFiniteChecks.Values(new Sequence(twin, attention, cache, Length, Length), attention, cache);
        Assert.That(PtxKernelLoader.Launches, Does.Contain(Walk));
    }

    /// <summary>The first row of a block and of a split, alone and in a chunk.</summary>
    [TestCase(2, 1, 8, "BF16")]
    [TestCase(1, 1, 8, "I8")]
    public void Scores_that_are_no_numbers_are_not_left_out(int heads, int keyHeads, int columns, string type)
    {
        using GpuTwin twin = PtxDevice.Twin(heads, 260);
        PtxKernelLoader.Launches.Clear();
        GroupedAttention attention = Layouts.Attention(heads, keyHeads, columns);
        var sequence = new Sequence(twin, attention, Enum.Parse<TensorType>(type), 258, 260);
        NotFiniteChecks.Keys(sequence, attention, 256, new Chunk(256, 1), new Chunk(254, 4));
        NotFiniteChecks.Keys(sequence, attention, 64, new Chunk(64, 1), new Chunk(62, 4));
        Assert.That(PtxKernelLoader.Launches, Does.Contain(Walk).And.Contain(Split));
    }

    private sealed record Shape(GroupedAttention Attention, TensorType Type, int PageTokens, string[] Kernels, Chunk[] Chunks);
}
