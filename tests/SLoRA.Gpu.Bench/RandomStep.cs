using System.Buffers.Binary;
using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Reference;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Gpu.Bench;

/// <summary>
/// One layer of a decoder of random dimensions on the Reference backend and on the device, with a step of random composition: prompt chunks
/// and decode rows over contexts of several splits, pages in random order, none to three adapters a row with ranks of 1 to 128, modules
/// left out.
/// </summary>
internal sealed unsafe class RandomStep : IDisposable
{
    private const int RowLimit = 96;

    private readonly List<AlignedMemory> _memory = [];
    private readonly List<(DeviceRows Reference, DeviceRows Gpu)> _rows = [];
    private readonly Queue<int> _freePages;
    private readonly List<(int Position, int[] Pages)> _contexts = [];

    /// <summary>Makes the model and the step of a seed. The backend takes over the device.</summary>
    public RandomStep(int seed, GpuDevice device)
    {
        Device = device;
        Random = new Random(seed);
        int keyHeads = Random.Next(1, 5);
        Attention = new GroupedAttention
        {
            Heads = keyHeads * Random.Next(1, 5),
            KeyValueHeads = keyHeads,
            HeadDim = Any(8, 16, 32, 48, 64, 128),
            Window = Random.Next(3) == 0 ? Random.Next(1, 300) : null,
            ScoreScale = 0.3f,
        };
        int half = Attention.HeadDim / 2;
        Rope = new RopeDescription { InverseFrequencies = [.. Enumerable.Range(0, half).Select(i => MathF.Pow(10000, -(float)i / half))] };
        Hidden = Random.Next(2) == 0 ? Random.Next(8, 300) : 32 * Random.Next(1, 10);
        Vocabulary = Random.Next(20, 400);
        Intermediate = Random.Next(1, 300);
        var attention = new AttentionBlock { HiddenSize = Hidden, Shape = Attention, Rope = Rope };
        var mlp = new GatedMlpBlock { HiddenSize = Hidden, IntermediateSize = Intermediate, Activation = Activation.Silu };
        Description = new DecoderDescription
        {
            Architecture = "random",
            VocabularySize = Vocabulary,
            HiddenSize = Hidden,
            ContextLength = 1024,
            FinalNorm = Norm("norm"),
            TiedEmbeddings = false,
            WeightType = TensorType.F32,
            Layers =
                [new LayerDescription(new Branch(Norm("input_layernorm"), attention), new Branch(Norm("post_attention_layernorm"), mlp))],
            EndOfSequence = [],
        };
        Targets = DecoderModules.Of(Description).Targets;
        Layout = KvLayout.For(Description.Kept, AnyCacheType(), Any(1, 2, 4, 8, 16));
        int pages = (6 * Layout.PagesFor(700)) + (int)(24_000_000 / Layout.PageBytes);
        int[] order = [.. Enumerable.Range(0, pages)];
        Random.Shuffle(order);
        _freePages = new Queue<int>(order);
        Reference = new ReferenceBackend(RowLimit, RowLimit);
        Gpu = new GpuBackend(device, RowLimit, RowLimit);
        Reference.AllocatePages(Layout, pages);
        Gpu.AllocatePages(Layout, pages);
        Plan = new StepPlan(RowLimit, RowLimit);

        NormModule Norm(string name) => new(name, Hidden, 1e-5f);
    }

    public GpuDevice Device { get; }

    public Random Random { get; }

    public GroupedAttention Attention { get; }

    public RopeDescription Rope { get; }

    public int Intermediate { get; }

    public int Hidden { get; }

    public int Vocabulary { get; }

    public DecoderDescription Description { get; }

    public ImmutableArray<TargetModule> Targets { get; }

    public KvLayout Layout { get; }

    public ReferenceBackend Reference { get; }

    public GpuBackend Gpu { get; }

    public StepPlan Plan { get; }

    /// <summary>Columns of queries, keys and values.</summary>
    public int QkvWidth => (Attention.Heads + (2 * Attention.KeyValueHeads)) * Attention.HeadDim;

    /// <summary>Columns of the attention's result.</summary>
    public int AttendedWidth => Attention.Heads * Attention.HeadDim;

    /// <summary>What keys and values may be kept as.</summary>
    public TensorType AnyCacheType() => Any(TensorType.F32, TensorType.F16, TensorType.BF16, TensorType.I8);

    public TensorType AnyType() => Any(TensorType.F32, TensorType.F16, TensorType.BF16);

    public T Any<T>(params ReadOnlySpan<T> choices) => choices[Random.Next(choices.Length)];

    public float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)((Random.NextDouble() * 2) - 1))];

    /// <summary>A weight of a random type, or a matrix in blocks where rows are whole ones.</summary>
    public WeightSource Weight(int rows, int columns)
    {
        if (rows > 1 && columns % Q8Format.Elements == 0 && Random.Next(4) == 0)
        {
            return Blocks(rows, columns);
        }

        TensorType type = AnyType();
        var memory = new AlignedMemory((long)rows * columns * type.ElementSize());
        _memory.Add(memory);
        float[] numbers = Numbers(rows * columns);
        for (int i = 0; i < numbers.Length; i++)
        {
            Elements.Write(type, memory.Address, i, numbers[i]);
        }

        return new WeightSource("random", WeightFormat.Of(type)!, (nint)memory.Address, rows, columns);
    }

    private WeightSource Blocks(int rows, int columns)
    {
        WeightFormat format = WeightFormat.Q8_0;
        var memory = new AlignedMemory(rows * format.BytesOf(columns));
        _memory.Add(memory);
        var blocks = new Span<byte>(memory.Address, (int)(rows * format.BytesOf(columns)));
        Random.NextBytes(blocks);
        for (; !blocks.IsEmpty; blocks = blocks[format.BlockBytes..])
        {
            BinaryPrimitives.WriteHalfLittleEndian(blocks, (Half)(Random.NextSingle() / 128));
        }

        return new WeightSource("random", format, (nint)memory.Address, rows, columns);
    }

    /// <summary>Products on both backends, with adapters' targets and a bias now and then.</summary>
    public (LinearGroup Reference, LinearGroup Gpu) Group(int inputs, params ReadOnlySpan<(int Outputs, int Target)> parts)
    {
        var reference = new List<LinearPart>();
        var gpu = new List<LinearPart>();
        foreach ((int outputs, int target) in parts)
        {
            WeightSource weight = Weight(outputs, inputs);
            WeightSource? bias = Random.Next(2) == 0 ? Weight(1, outputs) : null;
            reference.Add(new LinearPart(Reference.LoadMatrix(weight), bias is { } r ? Reference.LoadVector(r) : null, target));
            gpu.Add(new LinearPart(Gpu.LoadMatrix(weight), bias is { } g ? Gpu.LoadVector(g) : null, target));
        }

        return (new LinearGroup([.. reference]), new LinearGroup([.. gpu]));
    }

    /// <summary>Rows on both backends.</summary>
    public (DeviceRows Reference, DeviceRows Gpu) Rows(RowSet set, int width)
    {
        (DeviceRows Reference, DeviceRows Gpu) rows = (Reference.CreateRows(set, width), Gpu.CreateRows(set, width));
        _rows.Add(rows);
        return rows;
    }

    /// <summary>Composes the step.</summary>
    public void BuildPlan()
    {
        int sequences = Random.Next(1, 7);
        for (int i = 0; i < sequences && Plan.RowsLeft > 0; i++)
        {
            int position = Random.Next(3) == 0 ? 0 : Random.Next(0, 620);
            int rows = Random.Next(2) == 0 ? 1 : Random.Next(1, Math.Min(40, Plan.RowsLeft) + 1);
            int[] pages = [.. Enumerable.Range(0, Layout.PagesFor(position + rows)).Select(_ => _freePages.Dequeue())];
            int[] tokens = [.. Enumerable.Range(0, rows).Select(_ => Random.Next(Vocabulary))];
            Plan.AddSlice(tokens, position, pages, Random.Next(rows + 1));
            _contexts.Add((position, pages));
        }

        AddAdapters();
    }

    /// <summary>Begins the step on both backends.</summary>
    public void Begin(StepPlan plan)
    {
        Reference.BeginStep(plan);
        Gpu.BeginStep(plan);
    }

    /// <summary>
    /// Puts random keys and values of everything before the step's rows into the pages, through the backends' own operation.
    /// </summary>
    public void FillContexts((DeviceRows Reference, DeviceRows Gpu) qkv, (DeviceRope Reference, DeviceRope Gpu) rope)
    {
        foreach ((int end, int[] pages) in _contexts)
        {
            for (int position = 0; position < end;)
            {
                int rows = Math.Min(RowLimit, end - position);
                var plan = new StepPlan(RowLimit, 0);
                plan.AddSlice(new int[rows], position, pages.AsSpan(0, Layout.PagesFor(position + rows)), 0);
                float[] numbers = Numbers(rows * QkvWidth);
                qkv.Reference.Write(Device, numbers);
                qkv.Gpu.Write(Device, numbers);
                Begin(plan);
                Reference.RotateAndStore(qkv.Reference, 0, Attention, rope.Reference);
                Gpu.RotateAndStore(qkv.Gpu, 0, Attention, rope.Gpu);
                Device.Stream.Synchronize();
                position += rows;
            }
        }
    }

    /// <summary>One row of the step, with its adapters, as a step of its own.</summary>
    public StepPlan Alone(int row)
    {
        var plan = new StepPlan(RowLimit, RowLimit);
        foreach (StepSlice slice in Plan.Slices)
        {
            if (row >= slice.FirstRow && row < slice.FirstRow + slice.RowCount)
            {
                int position = slice.FirstPosition + row - slice.FirstRow;
                plan.AddSlice([Plan.Tokens[row]], position, Plan.PageTables.Slice(slice.TableStart, Layout.PagesFor(position + 1)), 1);
            }
        }

        foreach (WorkChunk chunk in Plan.Lora.Chunks)
        {
            foreach (WorkEntry entry in Plan.Lora.Entries.Slice(chunk.First, chunk.Count))
            {
                if (entry.Row == row)
                {
                    plan.Lora.Add(chunk.Adapter, 0, 1, entry.Weight, startsPlace: true);
                }
            }
        }

        return plan;
    }

    public void Dispose()
    {
        Gpu.Dispose();
        Reference.Dispose();
        _memory.ForEach(memory => memory.Dispose());
    }

    private void AddAdapters()
    {
        var maker = new RandomGeneration(Layout.PageBytes, _freePages, Reference.Pages, Gpu.Pages);
        ResidentAdapter[] adapters = [.. Enumerable.Range(0, Random.Next(1, 5)).Select(_ => maker.Create(
            Targets.Length,
            Targets.Where(_ => Random.Next(4) > 0).Select(target => new RandomGeneration.Module(
                target, Random.Next(4) == 0
                    ? Random.Next(1, 129)
                    : Random.Next(1, 20), 1 + (10 * Random.NextSingle()), AnyType(), AnyType()))))];
        int[][] chosen = [.. Plan.Slices.ToArray()
            .Select(_ => Enumerable.Range(0, adapters.Length).OrderBy(_ => Random.Next()).Take(Random.Next(4)).ToArray())];
        for (int place = 0; place < 3; place++)
        {
            bool starts = true;
            for (int adapter = 0; adapter < adapters.Length; adapter++)
            {
                for (int slice = 0; slice < chosen.Length; slice++)
                {
                    if (place < chosen[slice].Length && chosen[slice][place] == adapter)
                    {
                        Plan.Lora.Add(adapters[adapter], Plan.Slices[slice].FirstRow, Plan.Slices[slice].RowCount, 0.5f
                            + Random.NextSingle(), starts);
                        starts = false;
                    }
                }
            }
        }
    }
}
