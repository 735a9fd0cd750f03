using System.Runtime.Intrinsics;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Activations as 16-bit integers with a scale per row and group of inputs, for the product with int8 weights of the same groups. Like
/// <see cref="CpuRows"/> it has rows behind the last that a block of rows may touch. One product after another uses the same memory.
/// </summary>
/// <param name="rowLimit">The most rows.</param>
/// <param name="groupInputs">Inputs that share a scale.</param>
/// <param name="isNarrow">Whether integers are rounded to 8 bits.</param>
internal abstract unsafe class QuantizedRows(int rowLimit, int groupInputs, bool isNarrow) : IDisposable
{
    private AlignedMemory _integers = new(0);
    private AlignedMemory _scales = new(0);
    private AlignedMemory _sums = new(0);
    private AlignedMemory _bytes = new(0);

    /// <summary>Inputs that share a scale.</summary>
    public int GroupInputs { get; } = groupInputs;

    /// <summary>Whether integers are rounded to 8 bits.</summary>
    public bool IsNarrow { get; } = isNarrow;

    /// <summary>The most rows; more have room from the next <see cref="Resize"/> on.</summary>
    public int RowLimit { get; set; } = rowLimit;

    /// <summary>Whether the sums of groups are made as well, and the integers' bytes where a kernel reads them.</summary>
    public bool WithSums { get; set; }

    /// <summary>Pairs of inputs from one row to the next.</summary>
    public nint Stride { get; private set; }

    /// <summary>Scales, and sums of either kind, from one row to the next.</summary>
    public nint ScaleStride { get; private set; }

    /// <summary>A row: two 16-bit integers per element.</summary>
    public int* Row(int index) => (int*)_integers.Address + (index * Stride);

    /// <summary>
    /// The same integers, of each quad of inputs first the lower bytes, then the upper ones, both of inputs 0, 2, 1, 3; of integers of 8
    /// bits there are lower ones only.
    /// </summary>
    public int* Bytes(int index) => (int*)_bytes.Address + (index * ByteStride);

    /// <summary>From the bytes of one row to those of the next.</summary>
    public nint ByteStride => IsNarrow ? Stride / 2 : Stride;

    /// <summary>The scales of a row, one per group.</summary>
    public float* Scales(int index) => _scales.Floats + (index * ScaleStride);

    /// <summary>The sum of the integers of each group of a row.</summary>
    public int* Sums(int index) => (int*)_sums.Address + (index * 2 * ScaleStride);

    /// <summary>The same times the scale of the group.</summary>
    public float* Offsets(int index) => (float*)Sums(index) + ScaleStride;

    /// <summary>Quantizes a row, group by group; its integers and scales depend on that row alone.</summary>
    /// <param name="index">The row.</param>
    /// <param name="x">Its numbers.</param>
    /// <param name="width">How many.</param>
    public abstract void Quantize(int index, float* x, int width);

    /// <summary>Makes room for rows of so many inputs; what was there is lost.</summary>
    public void Resize(int inputs)
    {
        int groups = (inputs + GroupInputs - 1) / GroupInputs;
        ScaleStride = groups;
        Stride = (nint)groups * (GroupInputs / 2);
        if (Stride % 1024 == 0)
        {
            // Rows a multiple of 4 KiB apart would all fall into the same cache sets.
            Stride += Lanes.Count;
        }

        int rows = RowLimit + CpuRows.SpareRows;
        Grow(ref _integers, rows * Stride * sizeof(int));
        Grow(ref _scales, rows * ScaleStride * sizeof(float));
        if (WithSums)
        {
            Grow(ref _sums, rows * ScaleStride * (sizeof(int) + sizeof(float)));
            Grow(ref _bytes, WithBytes ? rows * ByteStride * sizeof(int) : 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _integers.Dispose();
        _scales.Dispose();
        _sums.Dispose();
        _bytes.Dispose();
    }

    /// <summary>Whether some kernel reads bytes.</summary>
    protected bool WithBytes => WithSums && (IsNarrow || ByteDot.IsSupported || WordProducts.Process is not null);

    private static void Grow(ref AlignedMemory memory, long bytes)
    {
        if (memory.Bytes < bytes)
        {
            memory.Dispose();
            memory = new AlignedMemory(bytes);
        }
    }
}

/// <summary>Quantized activations in groups of one size.</summary>
/// <typeparam name="T">The groups.</typeparam>
internal sealed unsafe class QuantizedRows<T>(int rowLimit, bool isNarrow) : QuantizedRows(rowLimit, Int8Layout<T>.GroupInputs, isNarrow)
    where T : struct, IInt8Groups
{
    /// <inheritdoc/>
    public override void Quantize(int index, float* x, int width)
    {
        var integers = (short*)Row(index);
        float* scales = Scales(index);
        int size = Int8Layout<T>.GroupInputs;
        int limit = IsNarrow ? Int8Layout.NarrowLimit : Int8Layout.ActivationLimit;
        int whole = width / size;
        for (int group = 0; group < whole; group++)
        {
            scales[group] = Int8Group.Quantize<T>(x, limit, integers);
            x += size;
            integers += size;
        }

        int left = width % size;
        if (left > 0)
        {
            float* padded = stackalloc float[size];
            new Span<float>(padded, size).Clear();
            new ReadOnlySpan<float>(x, left).CopyTo(new Span<float>(padded, left));
            scales[whole] = Int8Group.Quantize<T>(padded, limit, integers);
        }

        if (WithSums)
        {
            int groups = left > 0 ? whole + 1 : whole;
            Sum((short*)Row(index), scales, groups, Sums(index), Offsets(index));
            if (WithBytes && IsNarrow)
            {
                PartLower((byte*)Row(index), groups, (long*)Bytes(index));
            }
            else if (WithBytes)
            {
                Part((byte*)Row(index), groups, (byte*)Bytes(index));
            }
        }
    }

    /// <summary>Parts lower and upper bytes.</summary>
    private static void Part(byte* integers, int groups, byte* bytes)
    {
        Vector128<byte> order = Vector128.Create((byte)0, 4, 2, 6, 1, 5, 3, 7, 8, 12, 10, 14, 9, 13, 11, 15);
        for (int i = 0; i < groups * Int8Layout<T>.GroupInputs * sizeof(short); i += Vector128<byte>.Count)
        {
            Vector128.Shuffle(Vector128.Load(integers + i), order).Store(bytes + i);
        }
    }

    /// <summary>The lower bytes alone.</summary>
    private static void PartLower(byte* integers, int groups, long* bytes)
    {
        Vector256<byte> order = Vector256.Create(
            (byte)0, 4, 2, 6, 8, 12, 10, 14, 0, 4, 2, 6, 8, 12, 10, 14, 16, 20, 18, 22, 24, 28, 26, 30, 16, 20, 18, 22, 24, 28, 26, 30);
        for (int i = 0; i < groups * Int8Layout<T>.GroupInputs * sizeof(short); i += Vector256<byte>.Count)
        {
            Vector256<long> twice = Vector256.Shuffle(Vector256.Load(integers + i), order).AsInt64();
            Vector256.Shuffle(twice, Vector256.Create(0L, 2, 1, 3)).GetLower().Store(bytes);
            bytes += 2;
        }
    }

    private static void Sum(short* integers, float* scales, int groups, int* sums, float* offsets)
    {
        Vector256<short> ones = Vector256.Create((short)1);
        for (int group = 0; group < groups; group++)
        {
            // Exact, so in any order.
            Vector256<int> lanes = default;
            for (int i = 0; i < Int8Layout<T>.GroupInputs; i += Vector256<short>.Count)
            {
                lanes = Int8Dot.Add(lanes, Vector256.Load(integers + i), ones);
            }

            sums[group] = Vector256.Sum(lanes);
            offsets[group] = sums[group] * scales[group];
            integers += Int8Layout<T>.GroupInputs;
        }
    }
}
