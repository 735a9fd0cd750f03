namespace SLoRA.Backends.Cpu;

/// <summary>
/// The product with packed weights, for each output:
/// <c>Σ over groups, in order: (Σ (code − zero) · x, exact) · (scale · scale of x)</c>, and where weights have offsets
/// <c>+ Σ over groups, in order: offset · ((Σ x, exact) · scale of x)</c>, x the activations as integers.
/// </summary>
/// <typeparam name="TCodes">How many bits codes have.</typeparam>
/// <typeparam name="TScales">How scales are kept.</typeparam>
/// <typeparam name="T">The groups.</typeparam>
internal static unsafe class PackedProduct<TCodes, TScales, T>
    where TCodes : struct, IPackedCodes
    where TScales : struct, IPackedScales
    where T : struct, IInt8Groups
{
    private static readonly Int8Packing<T> _integers = new();
    private static readonly BlockProduct _multiply = _integers.Multiply;

    /// <summary>Bytes of an unpacked panel, its offsets included.</summary>
    public static long UnpackedBytes(int inputs) => _integers.PanelBytes(inputs) + OffsetBytes(inputs);

    /// <summary>Multiplies all rows by all panels of a block.</summary>
    public static void Multiply(in PanelBlock block)
    {
        if (ByteProduct<T>.Takes<PackedBytePanel<TCodes, TScales, T>>(block))
        {
            ByteProduct<T>.Multiply<PackedBytePanel<TCodes, TScales, T>>(block, block.Code?.Bytes);
        }
        else if (block.Rows > 1)
        {
            MultiplyRows(block, _multiply);
        }
        else if (PackedRowProduct<TCodes, TScales, T>.Takes(block))
        {
            PackedRowProduct<TCodes, TScales, T>.Multiply(block);
        }
        else
        {
            MultiplyRow(block, InstructionSets.VectorBits);
        }
    }

    /// <summary>Multiplies several rows: panels are unpacked, a few at a time, and then multiplied like others of integers.</summary>
    /// <param name="block">The block.</param>
    /// <param name="multiply">The product with integers.</param>
    public static void MultiplyRows(in PanelBlock block, BlockProduct multiply)
    {
        int inputs = block.Matrix.Inputs, groups = block.Matrix.Groups;
        long bytes = UnpackedBytes(inputs);
        nint integerBytes = (nint)_integers.PanelBytes(inputs);

        // Kernels take three panels at once, or four with few rows.
        int room = (int)Math.Min(block.Space.Bytes / bytes, block.EndPanel - block.FirstPanel);
        int atOnce = block.Rows > UnpackSpaces.LeastPanels ? 3 : 4;
        int panels = PanelBlock.Run(block.EndPanel - block.FirstPanel, room, atOnce);
        var integers = (byte*)block.Space.Data;
        float* offsets = TScales.HasOffsets ? (float*)(integers + (panels * integerBytes)) : null;
        for (int first = block.FirstPanel; first < block.EndPanel; first += panels)
        {
            int end = Math.Min(block.EndPanel, first + panels);
            for (int panel = first; panel < end; panel++)
            {
                PackedUnpack.Panel<TCodes, TScales, T>(
                    block.Matrix.Panel(panel), groups, integers + ((panel - first) * integerBytes),
                    offsets + (TScales.HasOffsets ? (nint)(panel - first) * groups * CpuMatrix.PanelOutputs : 0));
            }

            multiply(block with
            {
                FirstPanel = first,
                EndPanel = end,
                Unpacked = integers,
                UnpackedBytes = integerBytes,
                Offsets = offsets,
                Ahead = end < block.EndPanel ? block.Matrix.Panel(end) : block.Next,
            });
        }
    }

    /// <summary>Multiplies one row, by words.</summary>
    /// <param name="block">The block.</param>
    /// <param name="bits">The width of the vectors.</param>
    public static void MultiplyRow(in PanelBlock block, int bits)
    {
        QuantizedSpan x = block.Quantized;
        for (int panel = block.FirstPanel; panel < block.EndPanel; panel++)
        {
            for (int leaf = 0; leaf < block.Leaves; leaf++)
            {
                int input = block.FirstInput(leaf), group = input / Int8Layout<T>.GroupInputs;
                var row = new PackedRow
                {
                    X = x.Row(0) + (input / 2),
                    Scales = x.Scales(0) + group,
                    Sums = x.Sums(0) + group,
                    Offsets = x.Offsets(0) + group,
                    Panel = block.Matrix.Panel(panel),
                    PanelGroups = block.Matrix.Groups,
                    FirstGroup = group,
                    Groups = block.Groups(leaf),
                    Result = block.ResultOf(leaf),
                };
                switch (bits)
                {
                    case 512:
                        PackedKernels.Row512<TCodes, TScales, T>(row);
                        break;
                    case 256:
                        PackedKernels.Row256<TCodes, TScales, T>(row);
                        break;
                    default:
                        PackedKernels.Row128<TCodes, TScales, T>(row);
                        break;
                }
            }

            block.AddLeaves(1);
            block.Store(0, 1, panel, 1);
        }
    }

    private static long OffsetBytes(int inputs) =>
        TScales.HasOffsets ? (long)PackedLayout<TCodes, TScales, T>.Groups(inputs) * CpuMatrix.PanelOutputs * sizeof(float) : 0;
}

/// <summary>A product of a block.</summary>
internal delegate void BlockProduct(in PanelBlock block);
