using ILGPU;
using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Gpu.Kernels;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>
/// What is sent for a step, read back as the kernels would: everything that they follow leads to somewhere inside of what was sent, and
/// says what the plan says. Launches nothing, so that ILGPU's simulation is device enough.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed unsafe class StepUploadTests
{
    private const int PageBytes = 4096;
    private const int Pages = 4000;
    private const int Places = 40;

    [SeededProperty(MaxTest = 25)]
    public void What_kernels_read_is_what_the_plan_says_and_lies_inside_of_what_was_sent(int seed)
    {
        var random = new Random(seed);
        using GpuDevice device = GpuDevice.OpenSimulation();
        using var directories = new AdapterDirectories(device, PageBytes);
        using var upload = new StepUpload(device, directories, Places);
        ResidentAdapter[] adapters = [.. Enumerable.Range(0, 6).Select(_ => Adapter(random, random.Next(1, 4)))];
        var plan = new StepPlan(3000, 300);

        // Steps grow and shrink, so that memory is taken in the middle and then used for less.
        foreach (int slices in (int[])[1, random.Next(1, 30), random.Next(100, 300), random.Next(1, 10)])
        {
            Fill(plan, random, slices, adapters);
            upload.Send(plan, upload.Measure(plan));
            directories.Upload();
            AssertPlan(device, upload, plan);
            AssertAttention(device, upload, plan);
            AssertWork(device, upload, directories, plan);
        }
    }

    [SeededProperty(MaxTest = 10)]
    public void Directories_outlive_that_there_is_no_room_for_all_of_them(int seed)
    {
        var random = new Random(seed);
        using GpuDevice device = GpuDevice.OpenSimulation();
        using var directories = new AdapterDirectories(device, PageBytes);
        ResidentAdapter[] adapters = [.. Enumerable.Range(0, 60).Select(_ => Adapter(random, random.Next(20, 40)))];
        int restarts = 0;
        int last = -1;
        for (int step = 0; step < 60; step++)
        {
            // A generation that was read in again lies elsewhere, and what was known of it before is of no use.
            int again = random.Next(adapters.Length);
            adapters[again] = new ResidentAdapter(adapters[again].Directory, [.. adapters[again].Pages.Select(_ => random.Next(Pages))]);
            var plan = new StepPlan(200, 0);
            for (int i = random.Next(1, step % 20 == 19 ? 60 : 6); i > 0; i--)
            {
                int row = plan.AddSlice([0], 0, [0], 0);
                plan.Lora.Add(adapters[random.Next(adapters.Length)], row, 1, 1, startsPlace: random.Next(3) == 0);
            }

            directories.Require(plan.Lora.Chunks);
            directories.Upload();
            int highest = 0;
            foreach (WorkChunk chunk in plan.Lora.Chunks)
            {
                AssertDirectory(device, directories, chunk.Adapter);
                highest = Math.Max(highest, directories.Of(chunk.Adapter).Record);
            }

            restarts += highest < last ? 1 : 0;
            last = highest;
        }

        Assert.That(restarts, Is.Positive, "there was room for all: nothing was tested");
    }

    [Test]
    public void A_directory_is_sent_once()
    {
        var random = new Random(5);
        using GpuDevice device = GpuDevice.OpenSimulation();
        using var directories = new AdapterDirectories(device, PageBytes);
        ResidentAdapter first = Adapter(random, 3);
        ResidentAdapter second = Adapter(random, 3);
        DirectoryEntry before = Require(first);
        Require(second);
        Assert.That(Require(first), Is.EqualTo(before));
        Assert.That(Require(second).Record, Is.GreaterThan(before.Record));
        AssertDirectory(device, directories, first);
        AssertDirectory(device, directories, second);

        DirectoryEntry Require(ResidentAdapter adapter)
        {
            directories.Require([new WorkChunk(adapter, 0, 1)]);
            directories.Upload();
            return directories.Of(adapter);
        }
    }

    private static ResidentAdapter Adapter(Random random, int modules)
    {
        int[] order = [.. Enumerable.Range(0, Pages)];
        random.Shuffle(order);
        var maker = new RandomAdapter(random, (_, _, _, _) => { }, new Queue<int>(order), PageBytes);
        return maker.Create([.. Enumerable.Range(0, modules)
            .Select(_ => random.Next(5) == 0 ? ((int, int)?)null : (random.Next(1, 100), random.Next(1, 100)))]);
    }

    private static void Fill(StepPlan plan, Random random, int slices, ResidentAdapter[] adapters)
    {
        plan.Clear();
        for (int i = 0; i < slices; i++)
        {
            int rows = random.Next(3) == 0 ? random.Next(1, 10) : 1;
            int first = random.Next(3) == 0 ? random.Next(2000) : random.Next(20);
            int[] table = [.. Enumerable.Range(0, ((first + rows - 1) / 16) + 1).Select(_ => random.Next(Pages))];
            plan.AddSlice([.. Enumerable.Range(0, rows).Select(_ => random.Next(1000))], first, table, random.Next(2));
        }

        for (int place = 0; place < 2 && random.Next(4) > 0; place++)
        {
            bool starts = true;
            int row = random.Next(plan.RowCount);
            foreach (ResidentAdapter adapter in adapters)
            {
                int count = Math.Min(plan.RowCount - row, random.Next(200));
                if (count > 0)
                {
                    plan.Lora.Add(adapter, row, count, random.NextSingle(), starts);
                    starts = false;
                    row += count;
                }
            }
        }
    }

    private static T[] Read<T>(GpuDevice device, ArrayView<T> view)
        where T : unmanaged
    {
        var values = new T[view.Length];
        Assert.That(((IContiguousArrayView)view).Index
            * sizeof(T) % DeviceArena.Alignment, Is.Zero, "where a view that kernels are given begins");
        fixed (T* target = values)
        {
            DeviceCopies.Download(device.Stream, view.Cast<byte>(), target);
            device.Stream.Synchronize();
        }

        return values;
    }

    private static void AssertPlan(GpuDevice device, StepUpload upload, StepPlan plan)
    {
        Assert.That(Read(device, upload.Tokens), Is.EqualTo(plan.Tokens.ToArray()));
        Assert.That(Read(device, upload.Positions), Is.EqualTo(plan.Positions.ToArray()));
        int[] outputRows = plan.OutputRows.ToArray();
        if (outputRows.Length > 0)
        {
            Assert.That(Read(device, upload.OutputRows), Is.EqualTo(outputRows));
        }

        int[] expected = [.. Enumerable.Range(0, plan.RowCount).Select(row => Array.IndexOf(outputRows, row))];
        Assert.That(Read(device, upload.OutputOfRow), Is.EqualTo(expected));
        int[] starts = Read(device, upload.TableStart(0));
        int[] pages = Read(device, upload.Pages);
        foreach (StepSlice slice in plan.Slices)
        {
            int[] table = plan.PageTables.Slice(slice.TableStart, slice.TableLength).ToArray();
            for (int row = slice.FirstRow; row < slice.FirstRow + slice.RowCount; row++)
            {
                Assert.That(pages.AsSpan(starts[row], table.Length).ToArray(), Is.EqualTo(table));
            }
        }
    }

    /// <summary>Every row goes through each of its splits once, in order, and places are had by one task each.</summary>
    private static void AssertAttention(GpuDevice device, StepUpload upload, StepPlan plan)
    {
        int[] tasks = Read(device, upload.Tasks);
        Assert.That(tasks, Has.Length.EqualTo(upload.TaskCount * AttentionKernels.TaskInts));
        var covered = new int[plan.RowCount];
        var rowOfPlace = new Dictionary<int, (int Row, int Split)>();
        for (int i = 0; i < tasks.Length; i += AttentionKernels.TaskInts)
        {
            (int row, int first, int splits, int place) = (tasks[i], tasks[i + 1], tasks[i + 2], tasks[i + 3]);
            Assert.That(first, Is.EqualTo(covered[row]), "splits in order");
            covered[row] += splits;
            if (place >= 0)
            {
                Assert.That(place, Is.LessThan(Places));
                Assert.That(splits, Is.EqualTo(1));
                rowOfPlace.Add(place, (row, first));
            }
            else
            {
                Assert.That(first, Is.Zero);
            }
        }

        Assert.That(covered, Is.EqualTo(plan.Positions.ToArray().Select(position => (position / AttentionKernels.Split) + 1)));
        int merged = 0;
        int[] merges = upload.MergeCount == 0 ? [] : Read(device, upload.Merges);
        for (int i = 0; i < merges.Length; i += 3)
        {
            Assert.That(merges[i + 2], Is.EqualTo(covered[merges[i]]));
            for (int split = 0; split < merges[i + 2]; split++, merged++)
            {
                Assert.That(rowOfPlace[merges[i + 1] + split], Is.EqualTo((merges[i], split)));
            }
        }

        Assert.That(merged, Is.EqualTo(rowOfPlace.Count), "every place is merged once");
        Assert.That(
            Enumerable.Range(0, upload.SplitCount).Select(task => tasks[(task * AttentionKernels.TaskInts) + 3]),
            Is.EqualTo(Enumerable.Range(0, rowOfPlace.Count)), "the first tasks have the places");
        AssertWalks(upload.WalkCount == 0 ? [] : Read(device, upload.Walks), plan, [.. rowOfPlace.Values.Select(place => place.Row)]);
    }

    /// <summary>Rows whose splits have no place are in one walk each, with neighbours of their sequence, in order.</summary>
    private static void AssertWalks(int[] walks, StepPlan plan, HashSet<int> rowsWithPlaces)
    {
        var walked = new List<int>();
        for (int i = 0; i < walks.Length; i += TensorAttentionKernels.WalkInts)
        {
            (int first, int rows) = (walks[i], walks[i + 1]);
            Assert.That(rows, Is.InRange(1, TensorAttentionKernels.WalkRows));
            StepSlice slice = plan.Slices.ToArray().Single(slice => first >= slice.FirstRow && first < slice.FirstRow + slice.RowCount);
            Assert.That(first + rows, Is.LessThanOrEqualTo(slice.FirstRow + slice.RowCount), "rows of one sequence");
            walked.AddRange(Enumerable.Range(first, rows));
        }

        Assert.That(walked, Is.EqualTo(Enumerable.Range(0, plan.RowCount).Where(row => !rowsWithPlaces.Contains(row))));
    }

    /// <summary>Chunks as the plan has them; their shrunken rows do not overlap; blocks cover their ranks.</summary>
    private static void AssertWork(GpuDevice device, StepUpload upload, AdapterDirectories directories, StepPlan plan)
    {
        if (plan.Lora.Chunks.IsEmpty)
        {
            Assert.That(upload.ShrinkBlockCount, Is.Zero);
            return;
        }

        Assert.That(Read(device, upload.EntryRows), Is.EqualTo(plan.Lora.Entries.ToArray().Select(entry => entry.Row)));
        Assert.That(Read(device, upload.EntryWeights), Is.EqualTo(plan.Lora.Entries.ToArray().Select(entry => entry.Weight)));
        int[] chunks = Read(device, upload.Chunks);
        int[] blocks = Read(device, upload.ShrinkBlocks);
        var expectedBlocks = new List<(int Chunk, int Rank, int Entry)>();
        var expectedExpand = new List<(int Chunk, int Entry)>();
        int free = 0;
        for (int i = 0; i < plan.Lora.Chunks.Length; i++)
        {
            WorkChunk chunk = plan.Lora.Chunks[i];
            int[] record = chunks[(i * LoraKernels.ChunkInts)..((i + 1) * LoraKernels.ChunkInts)];
            DirectoryEntry entry = directories.Of(chunk.Adapter);
            int rank = chunk.Adapter.Directory.Modules.Max(module => module?.Rank ?? 0);
            Assert.That(record[..3], Is.EqualTo((int[])[entry.Record, chunk.First, chunk.Count]));
            Assert.That(record[3], Is.EqualTo(free));
            Assert.That(record[4], Is.EqualTo(rank));
            free += LoraKernels.MaxParts * chunk.Count * rank;
            for (int first = 0; first < chunk.Count; first += 8)
            {
                for (int ranks = 0; ranks < rank; ranks += 8)
                {
                    expectedBlocks.Add((i, ranks, first));
                }
            }

            Assert.That(upload.ExpandBlockCount(0, i), Is.EqualTo(expectedExpand.Count));
            for (int first = 0; first < chunk.Count; first += 16)
            {
                expectedExpand.Add((i, first));
            }

            Assert.That(upload.ExpandBlockCount(i, i + 1), Is.EqualTo((chunk.Count + 15) / 16));

            AssertDirectory(device, directories, chunk.Adapter);
        }

        Assert.That(upload.ShrunkLength, Is.EqualTo(free));
        Assert.That(upload.ShrinkBlockCount, Is.EqualTo(expectedBlocks.Count));
        Assert.That(Enumerable.Range(0, expectedBlocks.Count)
            .Select(i => (blocks[3 * i], blocks[(3 * i) + 1], blocks[(3 * i) + 2])), Is.EqualTo(expectedBlocks));
        int[] expand = Read(device, upload.ExpandBlocks);
        Assert.That(Enumerable.Range(0, expand.Length / 2)
            .Select(i => (expand[2 * i], expand[(2 * i) + 1])), Is.EqualTo(expectedExpand));
        int lastChunk = plan.Lora.Chunks.Length - 1;
        Assert.That(
            upload.ExpandBlocksFrom(lastChunk).Length, Is.EqualTo(2 * upload.ExpandBlockCount(lastChunk, plan.Lora.Chunks.Length)));
    }

    /// <summary>The directory on the device says of every tile what the generation's own says, and lies inside of the arena.</summary>
    private static void AssertDirectory(GpuDevice device, AdapterDirectories directories, ResidentAdapter adapter)
    {
        int[] ints = Read(device, directories.View);
        int record = directories.Of(adapter).Record;
        for (int target = 0; target < adapter.Directory.Modules.Length; target++, record += LoraKernels.RecordInts)
        {
            if (adapter.Directory.Modules[target] is not { } module)
            {
                Assert.That(ints[record], Is.Zero, "rank of a module that the adapter lacks");
                continue;
            }

            Assert.That(ints[record], Is.EqualTo(module.Rank));
            Assert.That(BitConverter.Int32BitsToSingle(ints[record + 1]), Is.EqualTo(module.Scale));
            AssertTiles(ints, ints.AsSpan(record + 2, 3), module.A, adapter);
            AssertTiles(ints, ints.AsSpan(record + 5, 3), module.B, adapter);
        }
    }

    private static void AssertTiles(int[] ints, ReadOnlySpan<int> record, MatrixTiles matrix, ResidentAdapter adapter)
    {
        int type = matrix.Type == TensorType.F32 ? LoraKernels.F32 : matrix.Type == TensorType.F16 ? LoraKernels.F16 : LoraKernels.Bf16;
        Assert.That(record[0], Is.EqualTo(type));
        Assert.That(record[2], Is.EqualTo(matrix.Tiles.Length));
        for (int i = 0; i < matrix.Tiles.Length; i++)
        {
            Tile tile = matrix.Tiles[i];
            ReadOnlySpan<int> actual = ints.AsSpan(record[1] + (i * LoraKernels.TileInts), LoraKernels.TileInts);
            long place = (adapter.Pages[tile.Page] * (long)PageBytes) + tile.Offset;
            Assert.That(actual[0] * 64L, Is.EqualTo(place));
            Assert.That(place + (tile.Rows * tile.Columns * matrix.Type.ElementSize()), Is.LessThanOrEqualTo((long)Pages * PageBytes));
            Assert.That(actual[1..].ToArray(), Is.EqualTo((int[])[tile.FirstRow, tile.Rows, tile.FirstColumn, tile.Columns]));
        }
    }
}
