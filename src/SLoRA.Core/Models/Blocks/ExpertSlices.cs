using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Native;

namespace SLoRA.Models.Blocks;

/// <summary>
/// The matrices of single experts, <c>[out, in]</c>, out of a checkpoint that stores them one by one, in one tensor, in one tensor with the
/// dimensions the other way round, or as blocks of 4-bit numbers. Asked expert by expert.
/// </summary>
/// <param name="name">What the names of its tensors begin with.</param>
/// <param name="module">Its declaration.</param>
/// <param name="source">Tensor name → its bytes.</param>
/// <param name="loaded">Called after each tensor, for progress; may throw to cancel.</param>
internal sealed unsafe class ExpertSlices(
    string name, ExpertModule module, Func<string, WeightSource> source, Action<WeightSource> loaded) : IDisposable
{
    private const int PieceBytes = 1 << 24;

    private NativeBlock? _made;
    private NativeBlock? _codes;
    private NativeBlock? _exponents;
    private WeightSource? _current;

    /// <summary>The weight of one expert's part; it stays until the next is asked for.</summary>
    public WeightSource Of(int expert, int part)
    {
        if (module.Storage == ExpertStorage.PerExpert)
        {
            Complete();
            WeightSource own = source(name + module.Weight(expert, part));
            _current = own;
            return own;
        }

        if (module.Storage == ExpertStorage.Mxfp4)
        {
            return new WeightSource(
                $"{name}.{module.Parameter}[{expert}, {part}]", WeightFormat.BF16, () => Widened(expert, part), module.PartOutputs,
                module.Inputs);
        }

        WeightSource all = _current ??= source(name + module.StackedSuffix);
        string sliceName = $"{all.Name}[{expert}, {part}]";
        if (module.Storage == ExpertStorage.Stacked)
        {
            long firstRow = ((long)expert * module.Outputs) + (part * module.PartOutputs);
            return all.Slice(sliceName, firstRow, module.PartOutputs);
        }

        return new WeightSource(sliceName, all.Format, () => Transposed(all, expert, part), module.PartOutputs, module.Inputs);
    }

    /// <summary>The matrix of one expert, widened to bfloat16, which is exact.</summary>
    private nint Widened(int expert, int part)
    {
        NativeBlock codes = _codes ??= Copied(name + module.Blocks), exponents = _exponents ??= Copied(name + module.Scales);
        int rowBlocks = module.Inputs / Mxfp4Blocks.BlockElements;
        byte* target = Made((long)module.PartOutputs * module.Inputs * sizeof(ushort));
        for (int output = 0; output < module.PartOutputs; output++)
        {
            long firstBlock = (((long)expert * module.Outputs) + (part * module.PartOutputs) + output) * rowBlocks;
            ReadOnlySpan<byte> scales = exponents.Slice(firstBlock, rowBlocks);
            if (scales.Contains(Mxfp4Blocks.NoNumber))
            {
                throw new FormatError(
                    LoadErrorKind.Tensor, null, name + module.Scales, $"has an exponent of {Mxfp4Blocks.NoNumber}, which is NaN");
            }

            Mxfp4Blocks.Widen(
                codes.Slice(firstBlock * Mxfp4Blocks.BlockBytes, rowBlocks * Mxfp4Blocks.BlockBytes), scales,
                new Span<ushort>(target + ((long)output * module.Inputs * sizeof(ushort)), module.Inputs));
        }

        return (nint)target;
    }

    /// <summary>The bytes of a tensor: codes and exponents are needed side by side, and a source has one weight at a time.</summary>
    private NativeBlock Copied(string tensor)
    {
        WeightSource all = source(tensor);
        var copy = new NativeBlock(all.Bytes);
        for (long offset = 0; offset < all.Bytes; offset += PieceBytes)
        {
            int count = (int)Math.Min(PieceBytes, all.Bytes - offset);
            new ReadOnlySpan<byte>((byte*)all.Data + offset, count).CopyTo(copy.Slice(offset, count));
        }

        loaded(all);
        return copy;
    }

    private byte* Made(long bytes)
    {
        if (_made is null || _made.Length < bytes)
        {
            _made?.Dispose();
            _made = new NativeBlock(bytes);
        }

        fixed (byte* first = _made.Slice(0, 1))
        {
            // Outside the heap of the garbage collector, so it does not move.
            return first;
        }
    }

    /// <summary>The last tensor is no longer needed.</summary>
    public void Complete()
    {
        if (_current is { } weight)
        {
            loaded(weight);
            _current = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _made?.Dispose();
        _codes?.Dispose();
        _exponents?.Dispose();
    }

    private nint Transposed(WeightSource all, int expert, int part)
    {
        if (all.Format is not PlainFormat plain)
        {
            throw UnservedType.Error(all.Format);
        }

        int size = plain.BlockBytes;
        byte* target = Made((long)module.PartOutputs * module.Inputs * size);
        byte* first = (byte*)all.Data + (((long)expert * module.Inputs * module.Outputs) + (part * module.PartOutputs)) * size;
        if (size == sizeof(float))
        {
            Transpose((uint*)first, (uint*)target);
        }
        else
        {
            Transpose((ushort*)first, (ushort*)target);
        }

        return (nint)target;
    }

    private void Transpose<T>(T* source, T* target)
        where T : unmanaged
    {
        // Squares, so that both sides stay in the cache.
        const int Side = 64;
        for (int firstOutput = 0; firstOutput < module.PartOutputs; firstOutput += Side)
        {
            int endOutput = Math.Min(module.PartOutputs, firstOutput + Side);
            for (int firstInput = 0; firstInput < module.Inputs; firstInput += Side)
            {
                int endInput = Math.Min(module.Inputs, firstInput + Side);
                for (int output = firstOutput; output < endOutput; output++)
                {
                    for (int input = firstInput; input < endInput; input++)
                    {
                        target[((long)output * module.Inputs) + input] = source[((long)input * module.Outputs) + output];
                    }
                }
            }
        }
    }
}
