using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Backends.Reference;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>The same objects on the Reference backend and on a Cpu backend, filled with the same random numbers.</summary>
internal sealed unsafe class Twin : IDisposable
{
    private readonly List<AlignedMemory> _memory = [];
    private bool _hasPages;

    public Twin(
        int seed, int rows, int outputs = 0, int threads = 1, CpuWeights weights = CpuWeights.AsStored,
        MachineCodeUse machineCode = MachineCodeUse.Automatic)
    {
        Random = new Random(seed);
        Reference = new ReferenceBackend(rows, outputs);
        Cpu = new CpuBackend(rows, outputs, threads, weights, machineCode: machineCode);
        Plan = new StepPlan(rows, outputs);
    }

    public Random Random { get; }

    public ReferenceBackend Reference { get; }

    public CpuBackend Cpu { get; }

    public StepPlan Plan { get; }

    public static TensorType[] Types { get; } = [TensorType.F32, TensorType.F16, TensorType.BF16];

    /// <summary>What keys and values may be kept as.</summary>
    public static TensorType[] CacheTypes { get; } = [.. Types, TensorType.I8];

    public static float[] Read(DeviceRows rows, int row) => rows switch
    {
        CpuRows cpu => new ReadOnlySpan<float>(cpu.Row(row), rows.Width).ToArray(),
        ReferenceRows reference => [.. reference.Values[row]],
        _ => throw new ArgumentException("Rows of an unknown backend.", nameof(rows)),
    };

    public static void Write(DeviceRows rows, int row, ReadOnlySpan<float> values)
    {
        Span<float> destination = rows switch
        {
            CpuRows cpu => new Span<float>(cpu.Row(row), rows.Width),
            ReferenceRows reference => reference.Values[row],
            _ => throw new ArgumentException("Rows of an unknown backend.", nameof(rows)),
        };
        values.CopyTo(destination);
    }

    public TensorType AnyType() => Types[Random.Next(Types.Length)];

    public TensorType AnyCacheType() => CacheTypes[Random.Next(CacheTypes.Length)];

    public float Number() => (float)((Random.NextDouble() * 2) - 1);

    public float[] Numbers(int count) => Enumerable.Range(0, count).Select(_ => Number()).ToArray();

    public WeightSource Weight(TensorType type, int rows, int columns, Func<float>? number = null)
    {
        // One element later than aligned: checkpoints promise no more.
        var memory = new AlignedMemory(((long)rows * columns * type.ElementSize()) + 8);
        _memory.Add(memory);
        byte* data = memory.Address + type.ElementSize();
        for (long i = 0; i < (long)rows * columns; i++)
        {
            Elements.Write(type, data, i, (number ?? Number)());
        }

        return new WeightSource("test", WeightFormat.Of(type)!, (nint)data, rows, columns);
    }

    /// <summary>A weight of any format.</summary>
    public WeightSource Weight(WeightFormat format, int rows, int columns)
    {
        // Two bytes later than aligned: blocks lie anywhere.
        byte[] blocks = RandomBlocks.Make(format, rows * columns, Number);
        var memory = new AlignedMemory(blocks.Length + 2);
        _memory.Add(memory);
        blocks.CopyTo(new Span<byte>(memory.Address + 2, blocks.Length));
        return new WeightSource("test", format, (nint)(memory.Address + 2), rows, columns);
    }

    /// <summary>A group on both backends over the same weights.</summary>
    public (LinearGroup Reference, LinearGroup Cpu) Group(int inputs, params ReadOnlySpan<(TensorType Type, int Outputs, bool Bias)> parts)
    {
        var formats = new (WeightFormat, int, bool)[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            formats[i] = (WeightFormat.Of(parts[i].Type)!, parts[i].Outputs, parts[i].Bias);
        }

        return Group(inputs, formats);
    }

    /// <summary>The same with weights of any formats.</summary>
    public (LinearGroup Reference, LinearGroup Cpu) Group(
        int inputs, params ReadOnlySpan<(WeightFormat Format, int Outputs, bool Bias)> parts)
    {
        var reference = new List<LinearPart>();
        var cpu = new List<LinearPart>();
        foreach ((WeightFormat format, int outputs, bool hasBias) in parts)
        {
            WeightSource weight = Weight(format, outputs, inputs);
            WeightSource? bias = hasBias ? Weight(AnyType(), 1, outputs) : null;
            reference.Add(new LinearPart(Reference.LoadMatrix(weight), bias is { } r ? Reference.LoadVector(r) : null, reference.Count));
            cpu.Add(new LinearPart(Cpu.LoadMatrix(weight), bias is { } c ? Cpu.LoadVector(c) : null, cpu.Count));
        }

        return (new LinearGroup([.. reference]), new LinearGroup([.. cpu]));
    }

    /// <summary>Rows on both backends with the same random content.</summary>
    public (DeviceRows Reference, DeviceRows Cpu) Rows(RowSet set, int width, int count, float size = 1)
    {
        (DeviceRows Reference, DeviceRows Cpu) rows = (Reference.CreateRows(set, width), Cpu.CreateRows(set, width));
        for (int row = 0; row < count; row++)
        {
            float[] values = Numbers(width);
            for (int i = 0; i < width; i++)
            {
                values[i] *= size;
            }

            Write(rows.Reference, row, values);
            Write(rows.Cpu, row, values);
        }

        return rows;
    }

    public void AllocatePages(KvLayout layout, int pages)
    {
        _hasPages = true;
        Reference.AllocatePages(layout, pages);
        Cpu.AllocatePages(layout, pages);
    }

    public void BeginStep()
    {
        if (!_hasPages)
        {
            AllocatePages(Layouts.For(TensorType.F32, 1, Layouts.Attention(1, 1, 2)), 1);
        }

        Reference.BeginStep(Plan);
        Cpu.BeginStep(Plan);
    }

    public void Dispose()
    {
        Reference.Dispose();
        Cpu.Dispose();
        _memory.ForEach(memory => memory.Dispose());
    }
}
