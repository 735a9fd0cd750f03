using ILGPU;
using SLoRA.Formats;

namespace SLoRA.Backends.Gpu;

/// <summary>
/// The base weights on the device, as <see cref="GpuFormats"/> says. They lie in one allocation if their size was announced. A tensor that
/// is loaded twice (tied embeddings) lies there once.
/// </summary>
/// <param name="device">The device.</param>
/// <param name="leastBytes">The smallest allocation for weights that were not announced.</param>
internal sealed unsafe class GpuWeights(GpuDevice device, long leastBytes = 0) : IDisposable
{
    private const long StagingBytes = 16L << 20;

    private readonly List<DeviceArena> _arenas = [];
    private readonly Dictionary<(nint Memory, string Name), ArrayView<byte>> _loaded = [];
    private readonly SortedDictionary<string, int> _counts = new(StringComparer.Ordinal);
    private HostBuffer? _staging;
    private long _left;

    /// <summary>Takes the memory for so many bytes, each weight rounded up to <see cref="DeviceArena.Alignment"/>.</summary>
    public void Reserve(long bytes)
    {
        _arenas.Add(new DeviceArena(device, bytes, "base weights"));
        _left = bytes;
    }

    /// <summary>How many matrices of which format are kept how, for people.</summary>
    public string Description => string.Join(", ", _counts.Select(pair => $"{pair.Value} {pair.Key}"));

    /// <summary>Counts a matrix.</summary>
    public void Count(WeightSource source)
    {
        string description = source.WidenedFrom is { } stored ? $"{stored} as fp32" : $"{source.Format} as stored";
        _counts[description] = _counts.GetValueOrDefault(description) + 1;
    }

    /// <summary>A matrix or table.</summary>
    public ArrayView<byte> Load(WeightSource source)
    {
        // Memory that does not stay may be that of another weight a moment later.
        (nint, string) key = source.Stays ? (source.Data, "") : (0, source.Name);
        if (!_loaded.TryGetValue(key, out ArrayView<byte> view))
        {
            view = Take(GpuFormats.BytesOf(source.Format, source.Rows, source.Columns));
            Send(source, view);
            _loaded.Add(key, view);
        }

        return view;
    }

    /// <summary>The matrices of all experts in one piece, expert by expert and part by part.</summary>
    /// <param name="sources">Where they come from.</param>
    /// <param name="format">Their format.</param>
    /// <exception cref="GpuException">They are not all in one format.</exception>
    public ArrayView<byte> Load(ExpertSources sources, out WeightFormat format)
    {
        ArrayView<byte> all = default;
        WeightFormat? first = null;
        long offset = 0;
        for (int expert = 0; expert < sources.Experts; expert++)
        {
            for (int part = 0; part < sources.PartOutputs.Length; part++)
            {
                WeightSource source = sources.Source(expert, part);
                if (first is null)
                {
                    first = source.Format;
                    all = Take(GpuFormats.BytesOf(first, (long)sources.Experts * sources.Outputs, source.Columns));
                }

                if (source.Format != first)
                {
                    throw new GpuException(
                        GpuError.Unsupported, $"{source.Name} is stored as {source.Format}, other experts of its layer as {first}.");
                }

                long bytes = GpuFormats.BytesOf(first, source.Rows, source.Columns);
                Send(source, all.SubView(offset, bytes));
                offset += bytes;
            }
        }

        format = first!;
        return all;
    }

    /// <summary>A vector, widened to fp32.</summary>
    public ArrayView<float> LoadWidened(WeightSource source)
    {
        float[] wide = source.Widened();
        ArrayView<byte> view = Take((long)wide.Length * sizeof(float));
        fixed (float* data = wide)
        {
            Send((byte*)data, view);
        }

        return view.Cast<float>();
    }

    /// <summary>All weights are there: frees what only loading needs.</summary>
    public void Complete()
    {
        _staging?.Dispose();
        _staging = null;
        _loaded.Clear();
    }

    public void Dispose()
    {
        Complete();
        _arenas.ForEach(arena => arena.Dispose());
    }

    private ArrayView<byte> Take(long bytes)
    {
        if (DeviceArena.Rounded(bytes) > _left)
        {
            Reserve(Math.Max(leastBytes, DeviceArena.Rounded(bytes)));
        }

        _left -= DeviceArena.Rounded(bytes);
        return _arenas[^1].Take<byte>(bytes);
    }

    private void Send(WeightSource source, ArrayView<byte> target)
    {
        if (GpuFormats.Of(source.Format).Packing is { } packing)
        {
            Pack(source, packing, target);
        }
        else
        {
            Send((byte*)source.Data, target);
        }
    }

    /// <summary>Lays rows out anew, on all processors, in page-locked memory and copies them from there, as many at once as fit.</summary>
    private void Pack(WeightSource source, RowPacking packing, ArrayView<byte> target)
    {
        int rowBytes = packing.RowBytes(source.Columns);
        HostBuffer staging = Staging(rowBytes);
        int atOnce = checked((int)(staging.Bytes / rowBytes));
        for (int first = 0; first < source.Rows; first += atOnce)
        {
            int from = first, rows = Math.Min(atOnce, source.Rows - first);
            Parallel.For(0, rows, row => packing.Pack(
                source.Format, source.Row(from + row), staging.Span<uint>((long)row * rowBytes, rowBytes / sizeof(uint))));
            device.Upload(staging.Address, target.SubView((long)first * rowBytes, (long)rows * rowBytes));
            device.Synchronize();
        }
    }

    private HostBuffer Staging(long leastBytes)
    {
        if (_staging is null || _staging.Bytes < leastBytes)
        {
            _staging?.Dispose();
            _staging = null;
            _staging = new HostBuffer(device, Math.Max(StagingBytes, leastBytes));
        }

        return _staging;
    }

    /// <summary>Copies through page-locked memory, piece by piece: the source may be a mapped file.</summary>
    private void Send(byte* source, ArrayView<byte> target)
    {
        HostBuffer staging = Staging(1);
        for (long done = 0; done < target.Length;)
        {
            long bytes = Math.Min(target.Length - done, staging.Bytes);
            Buffer.MemoryCopy(source + done, staging.Address, bytes, bytes);
            device.Upload(staging.Address, target.SubView(done, bytes));
            device.Synchronize();
            done += bytes;
        }
    }
}
