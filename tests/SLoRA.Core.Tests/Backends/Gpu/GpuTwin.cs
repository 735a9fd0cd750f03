using ILGPU;
using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Reference;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>
/// The same objects on the Reference backend and on a Gpu backend, filled with the same random numbers, and their magnitudes on a second
/// Reference backend. Everything is loaded and created before the first step. One thread.
/// </summary>
internal sealed unsafe class GpuTwin : IDisposable
{
    private readonly GpuDevice _device;
    private readonly int _rowLimit;
    private readonly int _outputLimit;
    private readonly List<AlignedMemory> _memory = [];
    private readonly List<(GpuRows Rows, int Row, float[] Values)> _pending = [];
    private readonly Dictionary<ResidentAdapter, ResidentAdapter> _magnitudes = new(ReferenceEqualityComparer.Instance);
    private DecoderShape? _decoder;
    private bool _complete;

    public GpuTwin(GpuDevice device, GpuKernels kernels, int seed, int rows, int outputs)
    {
        _device = device;
        _rowLimit = rows;
        _outputLimit = outputs;
        device.Accelerator.Bind();
        Random = new Random(seed);
        Reference = new ReferenceBackend(rows, outputs);
        Magnitudes = new ReferenceBackend(rows, outputs);
        Gpu = new GpuBackend(device, kernels, rows, outputs);
        Plan = new StepPlan(rows, outputs);
    }

    public Random Random { get; }

    public ReferenceBackend Reference { get; }

    public ReferenceBackend Magnitudes { get; }

    public GpuBackend Gpu { get; }

    public StepPlan Plan { get; }

    public static float[] Read(ReferenceRows rows, int row) => [.. rows.Values[row]];

    public TensorType AnyType() => Twin.Types[Random.Next(Twin.Types.Length)];

    public TensorType AnyCacheType() => Twin.CacheTypes[Random.Next(Twin.CacheTypes.Length)];

    public float Number() => (float)((Random.NextDouble() * 2) - 1);

    public float[] Numbers(int count, float size = 1) => [.. Enumerable.Range(0, count).Select(_ => Number() * size)];

    public float[] Read(DeviceRows rows, int row)
    {
        if (rows is ReferenceRows reference)
        {
            return Read(reference, row);
        }

        var values = new float[rows.Width];
        fixed (float* target = values)
        {
            DeviceCopies.Download(_device.Stream, Bytes((GpuRows)rows, row), target);
            _device.Stream.Synchronize();
        }

        return values;
    }

    public void Write(DeviceRows rows, int row, float[] values)
    {
        if (rows is ReferenceRows reference)
        {
            values.CopyTo(reference.Values[row], 0);
        }
        else if (!_complete)
        {
            _pending.Add(((GpuRows)rows, row, values));
        }
        else
        {
            fixed (float* source = values)
            {
                DeviceCopies.Upload(_device.Stream, source, Bytes((GpuRows)rows, row));
                _device.Stream.Synchronize();
            }
        }
    }

    /// <summary>Writes a row to all three.</summary>
    public void Write(Trio<DeviceRows> rows, int row, float[] values)
    {
        Write(rows.Reference, row, values);
        Write(rows.Magnitudes, row, [.. values.Select(MathF.Abs)]);
        Write(rows.Gpu, row, values);
    }

    /// <summary>Rows with random content.</summary>
    public Trio<DeviceRows> Rows(RowSet set, int width, int count, float size = 1)
    {
        var rows = new Trio<DeviceRows>(Reference.CreateRows(set, width), Magnitudes.CreateRows(set, width), Gpu.CreateRows(set, width));
        for (int row = 0; row < count; row++)
        {
            Write(rows, row, Numbers(width, size));
        }

        return rows;
    }

    /// <summary>A weight with random elements, and its magnitudes.</summary>
    public (WeightSource Weight, WeightSource Magnitudes) Weight(WeightFormat format, int rows, int columns)
    {
        byte[] blocks = RandomBlocks.Make(format, rows * columns, Number);
        AlignedMemory memory = Take(blocks.Length);
        blocks.CopyTo(new Span<byte>(memory.Address, blocks.Length));
        var weight = new WeightSource("test", format, (nint)memory.Address, rows, columns);
        float[] values = weight.Widened();
        AlignedMemory magnitudes = Take((long)values.Length * sizeof(float));
        for (int i = 0; i < values.Length; i++)
        {
            magnitudes.Floats[i] = MathF.Abs(values[i]);
        }

        return (weight, new WeightSource("test", WeightFormat.F32, (nint)magnitudes.Address, rows, columns));
    }

    public Trio<DeviceVector> Vector(TensorType type, int length)
    {
        (WeightSource weight, WeightSource magnitudes) = Weight(WeightFormat.Of(type)!, 1, length);
        return new Trio<DeviceVector>(Reference.LoadVector(weight), Magnitudes.LoadVector(magnitudes), Gpu.LoadVector(weight));
    }

    public Trio<DeviceTable> Table(TensorType type, int entries, int width) => Table(WeightFormat.Of(type)!, entries, width);

    public Trio<DeviceTable> Table(WeightFormat format, int entries, int width)
    {
        (WeightSource weight, WeightSource magnitudes) = Weight(format, entries, width);
        return new Trio<DeviceTable>(Reference.LoadTable(weight), Magnitudes.LoadTable(magnitudes), Gpu.LoadTable(weight));
    }

    /// <summary>Products that share their input; part i is target i.</summary>
    public Trio<LinearGroup> Group(int inputs, params ReadOnlySpan<(TensorType Type, int Outputs, bool Bias)> parts)
    {
        var formats = new (WeightFormat, int, bool)[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            formats[i] = (WeightFormat.Of(parts[i].Type)!, parts[i].Outputs, parts[i].Bias);
        }

        return Group(inputs, formats);
    }

    /// <summary>The same with weights of any formats.</summary>
    public Trio<LinearGroup> Group(int inputs, params ReadOnlySpan<(WeightFormat Format, int Outputs, bool Bias)> parts)
    {
        var made = new List<(LinearPart Reference, LinearPart Magnitudes, LinearPart Gpu)>();
        foreach ((WeightFormat format, int outputs, bool hasBias) in parts)
        {
            (WeightSource weight, WeightSource magnitudes) = Weight(format, outputs, inputs);
            Trio<DeviceVector?> bias = default;
            if (hasBias)
            {
                Trio<DeviceVector> vector = Vector(AnyType(), outputs);
                bias = new Trio<DeviceVector?>(vector.Reference, vector.Magnitudes, vector.Gpu);
            }

            made.Add((
                new LinearPart(Reference.LoadMatrix(weight), bias.Reference, made.Count),
                new LinearPart(Magnitudes.LoadMatrix(magnitudes), bias.Magnitudes, made.Count),
                new LinearPart(Gpu.LoadMatrix(weight), bias.Gpu, made.Count)));
        }

        return new Trio<LinearGroup>(
            new LinearGroup([.. made.Select(part => part.Reference)]),
            new LinearGroup([.. made.Select(part => part.Magnitudes)]),
            new LinearGroup([.. made.Select(part => part.Gpu)]));
    }

    public KvLayout AllocatePages(TensorType type, int pageTokens, int pages, params ReadOnlySpan<GroupedAttention> layers)
    {
        _decoder = Layouts.Decoder(1, layers);
        var layout = Layouts.For(type, pageTokens, layers);
        AllocatePages(layout, pages);
        return layout;
    }

    /// <summary>Pages of any layout; the decoder has an attention that nobody runs.</summary>
    public void AllocatePages(KvLayout layout, int pages)
    {
        _decoder ??= Layouts.Decoder(1, Layouts.Attention(1, 1, 2));
        Reference.AllocatePages(layout, pages);
        Magnitudes.AllocatePages(layout, pages);
        Gpu.AllocatePages(layout, pages);
    }

    /// <summary>The same for a decoder that has recurrences.</summary>
    public void AllocateRecurrences(KvLayout layout, int pages)
    {
        _decoder = Layouts.Decoder(1, Layouts.Attention(1, 1, 2)) with { HasRecurrences = true };
        AllocatePages(layout, pages);
    }

    /// <summary>The same for a decoder that has latent attention.</summary>
    public void AllocateLatents(KvLayout layout, int pages)
    {
        _decoder = Layouts.Decoder(1, Layouts.Attention(1, 1, 2)) with { HasLatentAttention = true };
        AllocatePages(layout, pages);
    }

    /// <summary>Writes elements, and their magnitudes, to a page.</summary>
    public void WritePage(int page, int offset, TensorType type, byte[] elements)
    {
        Reference.Pages.Write(page, offset, elements);
        Gpu.Pages.Write(page, offset, elements);
        byte[] magnitudes = [.. elements];
        for (int i = type.ElementSize() - 1; i < magnitudes.Length; i += type.ElementSize())
        {
            magnitudes[i] &= 0x7F;
        }

        Magnitudes.Pages.Write(page, offset, magnitudes);
    }

    /// <summary>Begins the step of <see cref="Plan"/> on all three.</summary>
    public void BeginStep()
    {
        if (_decoder is null)
        {
            AllocatePages(TensorType.F32, 1, 1, Layouts.Attention(1, 1, 2));
        }

        if (!_complete)
        {
            Gpu.CompleteLoading(_decoder!);
            _complete = true;
            _pending.ForEach(pending => Write(pending.Rows, pending.Row, pending.Values));
        }

        Reference.BeginStep(Plan);
        Magnitudes.BeginStep(MagnitudesOf(Plan));
        BeginStep(Plan);
    }

    /// <summary>
    /// Begins a step on the Gpu backend alone. A step's plan is put together where that of the step before is being sent from, so that one
    /// must have ended.
    /// </summary>
    public void BeginStep(StepPlan plan)
    {
        _device.Stream.Synchronize();
        Gpu.BeginStep(plan);
    }

    /// <summary>Whether a row is as far from the Reference's as so many roundings explain, one after another on either side.</summary>
    public void AssertClose(Trio<DeviceRows> rows, int row, int operations)
    {
        float[] expected = Read(rows.Reference, row);
        float[] magnitudes = Read(rows.Magnitudes, row);
        float[] actual = Read(rows.Gpu, row);
        for (int i = 0; i < expected.Length; i++)
        {
            double bound = (2 * Rounding.Gamma(operations) * magnitudes[i]) + 1e-37;
            Assert.That((double)actual[i], Is.EqualTo(expected[i]).Within(bound), $"row {row}, column {i}");
        }
    }

    public void Dispose()
    {
        Reference.Dispose();
        Magnitudes.Dispose();
        Gpu.Dispose();
        _memory.ForEach(memory => memory.Dispose());
    }

    private static ArrayView<byte> Bytes(GpuRows rows, int row) =>
        rows.Values.Cast<byte>().SubView((long)row * rows.Width * sizeof(float), (long)rows.Width * sizeof(float));

    private AlignedMemory Take(long bytes)
    {
        _memory.Add(new AlignedMemory(bytes));
        return _memory[^1];
    }

    private StepPlan MagnitudesOf(StepPlan plan)
    {
        var magnitudes = new StepPlan(_rowLimit, _outputLimit);
        foreach (StepSlice slice in plan.Slices)
        {
            int outputs = 0;
            foreach (int row in plan.OutputRows)
            {
                outputs += row >= slice.FirstRow && row < slice.FirstRow + slice.RowCount ? 1 : 0;
            }

            magnitudes.AddSlice(
                plan.Tokens.Slice(slice.FirstRow, slice.RowCount), slice.FirstPosition,
                plan.PageTables.Slice(slice.TableStart, slice.TableLength), outputs);
        }

        foreach (WorkChunk chunk in plan.Lora.Chunks)
        {
            foreach (WorkEntry entry in plan.Lora.Entries.Slice(chunk.First, chunk.Count))
            {
                magnitudes.Lora.Add(MagnitudesOf(chunk.Adapter), entry.Row, 1, MathF.Abs(entry.Weight), startsPlace: false);
            }
        }

        return magnitudes;
    }

    private ResidentAdapter MagnitudesOf(ResidentAdapter adapter)
    {
        if (!_magnitudes.TryGetValue(adapter, out ResidentAdapter? magnitudes))
        {
            var modules = adapter.Directory.Modules.Select(module => module is null
                ? null
                : new ModuleTiles { Rank = module.Rank, Scale = MathF.Abs(module.Scale), A = module.A, B = module.B });
            magnitudes = new ResidentAdapter(new TileDirectory([.. modules], adapter.Directory.PageCount), adapter.Pages);
            _magnitudes.Add(adapter, magnitudes);
        }

        return magnitudes;
    }
}
