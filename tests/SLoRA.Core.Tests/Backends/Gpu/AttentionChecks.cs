using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Backends.Reference;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>Rows of one sequence in a step: positions First to First + Count − 1, the earlier ones in the cache already.</summary>
internal readonly record struct Chunk(int First, int Count)
{
    public int End => First + Count;
}

/// <summary>
/// Rotation, the write into the cache and attention over it, on both backends; shared by the tests on devices and those in ILGPU's
/// simulation.
/// </summary>
internal static unsafe class AttentionChecks
{
    private const int Layer = 1;

    /// <summary>Runs one step of chunks over pages in random order that held NaN before.</summary>
    public static void Agree(
        GpuTwin twin, GroupedAttention attention, TensorType type, int pageTokens, int rowLimit, params Chunk[] chunks) =>
        Agree(twin, attention, type, pageTokens, rowLimit, withSinks: false, chunks);

    /// <summary>The same with a score of each head's sink.</summary>
    public static void Agree(
        GpuTwin twin, GroupedAttention attention, TensorType type, int pageTokens, int rowLimit, bool withSinks, params Chunk[] chunks)
    {
        Trio<DeviceVector>? sinks = withSinks ? twin.Vector(TensorType.F32, attention.Heads) : null;
        var layout = Cpu.Layouts.For(type, pageTokens, attention, attention);
        int[][] tables = Tables(twin.Random, layout, [.. chunks.Select(chunk => chunk.End)], out int pages);
        twin.AllocatePages(type, pageTokens, pages, attention, attention);
        FillPages(twin, pages);
        int width = (attention.Heads + (2 * attention.KeyValueHeads)) * attention.HeadDim;
        Trio<DeviceRows> qkv = twin.Rows(RowSet.Step, width, 0);
        Trio<DeviceRows> y = twin.Rows(RowSet.Step, attention.Heads * attention.HeadDim, 0);
        RopeDescription turns = twin.Random.Next(2) == 0
            ? Cpu.Layouts.Rope(attention)
            : Cpu.FamilyOperations.AnyRope(twin.Random, attention.HeadDim);
        var rope = new Trio<DeviceRope?>(twin.Reference.CreateRope(turns), null, twin.Gpu.CreateRope(turns));
        for (int i = 0; i < chunks.Length; i++)
        {
            for (int first = 0; first < chunks[i].First; first += rowLimit)
            {
                int count = Math.Min(rowLimit, chunks[i].First - first);
                twin.Plan.Clear();
                twin.Plan.AddSlice(new int[count], first, tables[i].AsSpan(0, layout.PagesFor(first + count)), 0);
                Store(twin, qkv, attention, rope);
            }
        }

        twin.Plan.Clear();
        for (int i = 0; i < chunks.Length; i++)
        {
            twin.Plan.AddSlice(new int[chunks[i].Count], chunks[i].First, tables[i], 0);
        }

        Store(twin, qkv, attention, rope);
        AssertSameQueries(twin, qkv, attention);
        if (layout.HasScales)
        {
            AssertSameIntegers(twin, attention, layout);
        }
        else
        {
            AssertSamePages(twin, type);
        }

        twin.Reference.Attend(qkv.Reference, Layer, attention, y.Reference, sinks?.Reference);
        twin.Gpu.Attend(qkv.Gpu, Layer, attention, y.Gpu, sinks?.Gpu);
        AssertSameAttention(twin, qkv, y, attention, layout);
    }

    /// <summary>Page tables of sequences of these lengths, over pages in random order.</summary>
    public static int[][] Tables(Random random, KvLayout layout, int[] lengths, out int pages)
    {
        pages = lengths.Sum(layout.PagesFor) + 2;
        int[] order = [.. Enumerable.Range(0, pages)];
        random.Shuffle(order);
        int next = 0;
        var tables = new int[lengths.Length][];
        for (int i = 0; i < lengths.Length; i++)
        {
            int count = layout.PagesFor(lengths[i]);
            tables[i] = order[next..(next + count)];
            next += count;
        }

        return tables;
    }

    /// <summary>Pages come with whatever was in them: here with NaN.</summary>
    public static void FillPages(GpuTwin twin, int pages)
    {
        var rubbish = new byte[twin.Gpu.Pages.PageBytes];
        rubbish.AsSpan().Fill(0xFF);
        for (int page = 0; page < pages; page++)
        {
            twin.Reference.Pages.Write(page, 0, rubbish);
            twin.Gpu.Pages.Write(page, 0, rubbish);
        }
    }

    private static void Store(GpuTwin twin, Trio<DeviceRows> qkv, GroupedAttention attention, Trio<DeviceRope?> rope)
    {
        for (int row = 0; row < twin.Plan.RowCount; row++)
        {
            float[] values = twin.Numbers(qkv.Gpu.Width);
            twin.Write(qkv.Reference, row, values);
            twin.Write(qkv.Gpu, row, values);
        }

        twin.BeginStep();
        twin.Reference.RotateAndStore(qkv.Reference, Layer, attention, rope.Reference!);
        twin.Gpu.RotateAndStore(qkv.Gpu, Layer, attention, rope.Gpu!);
    }

    /// <summary>Two products of numbers below 1 and their sum. Then both backends go on with the Reference's.</summary>
    private static void AssertSameQueries(GpuTwin twin, Trio<DeviceRows> qkv, GroupedAttention attention)
    {
        int queries = attention.Heads * attention.HeadDim;
        for (int row = 0; row < twin.Plan.RowCount; row++)
        {
            float[] expected = twin.Read(qkv.Reference, row);
            float[] actual = twin.Read(qkv.Gpu, row);
            Assert.That(actual[..queries], Is.EqualTo(expected[..queries]).Within(8 * Rounding.Unit), $"rotated queries of row {row}");
            twin.Write(qkv.Gpu, row, expected);
        }
    }

    /// <summary>
    /// A rotated key may fall on the other side of a rounding; whatever is not written keeps its NaN. Then both backends go on with the
    /// Gpu's.
    /// </summary>
    private static void AssertSamePages(GpuTwin twin, TensorType type)
    {
        double ulp = type switch
        {
            TensorType.F16 => Math.Pow(2, -10),
            TensorType.BF16 => Math.Pow(2, -7),
            _ => 0,
        };
        var memory = (ReferencePageMemory)twin.Reference.Pages;
        var bytes = new byte[memory.PageBytes];
        for (int page = 0; page < memory.PageCount; page++)
        {
            twin.Gpu.Pages.Read(page, 0, bytes);
            fixed (byte* actual = bytes)
            {
                for (int i = 0; i < bytes.Length / type.ElementSize(); i++)
                {
                    float expected = Elements.Read(type, memory.Page(page), i);
                    float element = Elements.Read(type, actual, i);
                    double bound = (ulp * Math.Abs(expected)) + (8 * Rounding.Unit);
                    if (float.IsNaN(expected) != float.IsNaN(element) || Math.Abs(element - (double)expected) > bound)
                    {
                        Assert.Fail($"page {page}, element {i}: {element} instead of {expected}");
                    }
                }
            }

            twin.Reference.Pages.Write(page, 0, bytes);
        }
    }

    /// <summary>
    /// The same of integers: one apart at most, and scales by the rounding of a rotation and a division. What pads a token is nobody's.
    /// </summary>
    private static void AssertSameIntegers(GpuTwin twin, GroupedAttention attention, KvLayout layout)
    {
        LayerBlock block = layout.Layers[Layer];
        int row = KeyValueShape.IntegersOf(attention.HeadDim, 0);
        byte[] expected = new byte[layout.PageBytes], actual = new byte[layout.PageBytes];
        for (int page = 0; page < twin.Gpu.Pages.PageCount; page++)
        {
            twin.Reference.Pages.Read(page, 0, expected);
            twin.Gpu.Pages.Read(page, 0, actual);
            for (int piece = 0; piece < 2 * attention.KeyValueHeads; piece++)
            {
                int head = (int)((piece % 2 == 0 ? block.KeyOffset : block.ValueOffset) + (piece / 2 * block.HeadBytes));
                for (int slot = 0; slot < layout.PageTokens; slot++)
                {
                    int scale = head + (int)block.ScaleOffset + (slot * sizeof(float));
                    float wanted = BitConverter.ToSingle(expected, scale), found = BitConverter.ToSingle(actual, scale);
                    double bound = (8 * Rounding.Unit / 127) + (4 * Rounding.Unit * MathF.Abs(wanted));
                    Assert.That(float.IsNaN(found), Is.EqualTo(float.IsNaN(wanted)), $"page {page}, scale {slot}");
                    Assert.That(float.IsNaN(wanted) || Math.Abs(found - (double)wanted) <= bound, $"page {page}, scale {slot}");
                    for (int i = 0; i < attention.HeadDim; i++)
                    {
                        int at = head + (slot * row) + i;
                        int apart = (sbyte)actual[at] - (sbyte)expected[at];
                        Assert.That(apart, Is.Zero.Within(1), $"page {page}, slot {slot}, column {i}");
                    }
                }
            }

            twin.Reference.Pages.Write(page, 0, actual);
        }
    }

    private static void AssertSameAttention(
        GpuTwin twin, Trio<DeviceRows> qkv, Trio<DeviceRows> y, GroupedAttention attention, KvLayout layout)
    {
        int d = attention.HeadDim;
        foreach (StepSlice slice in twin.Plan.Slices)
        {
            int[] table = twin.Plan.PageTables.Slice(slice.TableStart, slice.TableLength).ToArray();
            for (int i = 0; i < slice.RowCount; i++)
            {
                int row = slice.FirstRow + i;
                float[] expected = twin.Read(y.Reference, row);
                float[] actual = twin.Read(y.Gpu, row);
                float[] q = twin.Read(qkv.Reference, row);
                for (int head = 0; head < attention.Heads; head++)
                {
                    double bound = Bound(twin, attention, layout, table, q.AsSpan(head * d, d), head, slice.FirstPosition + i);
                    for (int column = head * d; column < (head + 1) * d; column++)
                    {
                        Assert.That((double)actual[column], Is.EqualTo(expected[column])
                            .Within(bound), $"row {row}, head {head}, column {column}");
                    }
                }
            }
        }
    }

    /// <summary>
    /// What two computations of one head of one row differ by at most. A score s = scale · q · K is wrong by e ≤ γ(d + 2) scale Σ|q||K|, a
    /// weight e^(s − m) relatively by 2e and the error of an exponential; sums of n weights and n weighted values by γ(n + 3) on top, with
    /// n at most 256 where splits are summed by themselves, and two exponentials and three roundings per split where they are merged. A
    /// mean whose weights are relatively wrong by ε is wrong by at most 2 ε of the largest value.
    /// </summary>
    private static double Bound(
        GpuTwin twin, GroupedAttention attention, KvLayout layout, int[] table, ReadOnlySpan<float> q, int head, int position)
    {
        var memory = (ReferencePageMemory)twin.Reference.Pages;
        int keyHead = head / (attention.Heads / attention.KeyValueHeads);
        int first = attention.Window is { } window ? Math.Max(0, position - window + 1) : 0;
        double largestScore = 0;
        double largestValue = 0;
        for (int j = first; j <= position; j++)
        {
            byte* page = memory.Page(table[j / layout.PageTokens]);
            double score = 0;
            for (int i = 0; i < q.Length; i++)
            {
                score += Math.Abs(q[i] * ReferenceAttention.Key(page, layout, Layer, q.Length, keyHead, j % layout.PageTokens, i));
                largestValue = Math.Max(
                    largestValue, Math.Abs(ReferenceAttention.Value(page, layout, Layer, q.Length, keyHead, j % layout.PageTokens, i)));
            }

            largestScore = Math.Max(largestScore, score * attention.ScoreScale);
        }

        // A cap bends scores together; its own exponential and four operations round.
        double cap = (attention.ScoreCap ?? 0) * (Rounding.Exponential(2 * largestScore / (attention.ScoreCap ?? 1)) + Rounding.Gamma(4));
        // A scale is one more rounding, of elements before the sum or of the sum.
        int scales = layout.HasScales ? 2 : 0;
        int positions = position - first + 1;
        int splits = (position / AttentionKernels.Split) - (first / AttentionKernels.Split) + 1;
        double exponential = Rounding.Exponential(2 * largestScore);
        double weight = (2 * Rounding.Gamma(q.Length + 2 + scales) * largestScore) + (2 * cap) + exponential;
        double reference = weight + Rounding.Gamma(positions + 3 + scales);
        double gpu = weight + (2 * splits * exponential)
            + Rounding.Gamma(Math.Min(positions, AttentionKernels.Split) + (3 * splits) + 3 + scales);
        return 2 * largestValue * (reference + gpu);
    }
}
