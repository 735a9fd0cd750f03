using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// The product of one row with packed weights where there are instructions for bytes: codes as masks leave them, activations of one byte,
/// or of two, <c>256 · upper + lower</c>. The bits are those of <see cref="PackedKernels"/>.
/// </summary>
/// <remarks>
/// A run of groups is read twice: first what their scales take, which become fp32 and are summed up where they are offsets, then the
/// planes. The second reading asks for the next run, so that memory works all the time.
/// </remarks>
internal static unsafe class PackedRowProduct<TCodes, TScales, T>
    where TCodes : struct, IPackedCodes
    where TScales : struct, IPackedScales
    where T : struct, IInt8Groups
{
    /// <summary>The most groups of a run: it, the next one and its scales stay in the first cache.</summary>
    private const int LargestRun = 32;

    /// <summary>Whether there are instructions for the row of a block.</summary>
    public static bool Takes(in PanelBlock block) =>
        Code(block) is not null
        || ByteDot.IsSupported
        || (block.Quantized.IsNarrow && ByteDot.AddsTwo((16 << TCodes.HighBits) - 1));

    /// <summary>Multiplies the only row of a block by all of its panels, leaf by leaf.</summary>
    public static void Multiply(in PanelBlock block) => Multiply(block, Code(block));

    /// <summary>The same in a way of the caller's choice.</summary>
    /// <param name="block">The block.</param>
    /// <param name="code">Machine code; null for the kernel in C#.</param>
    public static void Multiply(in PanelBlock block, PackedRowProducts? code)
    {
        QuantizedSpan x = block.Quantized;
        var rowGroups = (RowGroup*)block.Space.Data;
        RowGroup.Write(x.Scales(0), x.Sums(0), block.Matrix.Groups, TCodes.Zero, rowGroups);
        float* scales = (float*)(rowGroups + ((block.Matrix.Groups + 7) & ~7));
        for (int panel = block.FirstPanel; panel < block.EndPanel; panel++)
        {
            byte* next = panel + 1 < block.EndPanel ? block.Matrix.Panel(panel + 1) : block.Next;
            FetchShared(block.Matrix, next);
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                int first = block.FirstInput(leaf) / Int8Layout<T>.GroupInputs;
                AddGroups(block, panel, first, first + block.Groups(leaf), rowGroups, scales, next, block.ResultOf(leaf), code);
            }

            block.AddLeaves(1);
            block.Store(0, 1, panel, 1);
        }
    }

    private static void AddGroups(
        in PanelBlock block, int panel, int first, int end, RowGroup* rowGroups, float* scales, byte* next, float* result,
        PackedRowProducts? code)
    {
        QuantizedSpan x = block.Quantized;
        byte* weights = block.Matrix.Panel(panel);
        int runs = (end - first + LargestRun - 1) / LargestRun;
        int run = (end - first + runs - 1) / runs;
        float* added = scales + (LargestRun * Lanes.Count);
        Vector512<float>.Zero.Store(result);
        Vector512<float>.Zero.Store(added);
        for (int group = first; group < end; group += run)
        {
            int count = Math.Min(run, end - group);
            PackedScalesOf<TCodes, TScales, T>.Widen(weights, block.Matrix.Groups, group, count, scales, x.Offsets(0), added);
            var arguments = new PackedRowArguments
            {
                X = x.Bytes(0) + ((nint)group * (T.Pairs / 2) * (x.IsNarrow ? 1 : 2)),
                RowGroups = rowGroups + group,
                Weights = weights + ((nint)group * PackedLayout<TCodes, TScales, T>.GroupBytes),
                GroupBytes = PackedLayout<TCodes, TScales, T>.GroupBytes,
                Groups = count,
                Fetch = Ahead(weights, group, group + run, block.Matrix.Groups, next),
                Scales = scales,
                Result = result,
            };
            if (code is not null)
            {
                code.Multiply(arguments, TCodes.HighBits, Int8Layout<T>.GroupInputs, x.IsNarrow);
            }
            else if (x.IsNarrow)
            {
                PackedByteKernels.OneByte<TCodes, T>(arguments);
            }
            else
            {
                PackedByteKernels.TwoBytes<TCodes, T>(arguments);
            }
        }

        if (TScales.HasOffsets)
        {
            (Vector512.Load(result) + Vector512.Load(added)).Store(result);
        }
    }

    /// <summary>How far ahead of a run of groups the next one lies: in the panel, or at the beginning of the next.</summary>
    private static nint Ahead(byte* panel, int group, int end, int groups, byte* next)
    {
        byte* run = panel + ((nint)group * PackedLayout<TCodes, TScales, T>.GroupBytes);
        byte* ahead = end < groups ? panel + ((nint)end * PackedLayout<TCodes, TScales, T>.GroupBytes) : next;
        return ahead is null ? 0 : (nint)(ahead - run);
    }

    /// <summary>Asks for what the groups of a panel share, which lies behind all of them.</summary>
    private static void FetchShared(CpuMatrix matrix, byte* panel)
    {
        if (TScales.BlockGroups > 0 && Sse.IsSupported && panel is not null)
        {
            byte* end = panel + matrix.PanelBytes;
            for (byte* at = PackedLayout<TCodes, TScales, T>.Block(panel, matrix.Groups, 0); at < end; at += AlignedMemory.Alignment)
            {
                Sse.Prefetch0(at);
            }
        }
    }

    private static PackedRowProducts? Code(in PanelBlock block) =>
        block.Code is { } code && PackedRowProducts.Takes(TCodes.HighBits, Int8Layout<T>.GroupInputs) ? code.PackedRows : null;
}
