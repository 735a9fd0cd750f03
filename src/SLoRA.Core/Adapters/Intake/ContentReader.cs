using System.Buffers;
using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Native;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// Reads every tensor of an adapter once, in the order of the file and in pieces, and checks the values while they are at hand.
/// </summary>
internal sealed class ContentReader(
    AdapterReader reader,
    AdapterDescription description,
    BaseReader baseWeights,
    PacedLoad? load,
    CancellationToken cancellationToken)
{
    private const int PieceBytes = LoadPace.PieceBytes;

    /// <summary>Reads all.</summary>
    /// <exception cref="FormatError">A value or a copy of a base weight is wrong, or the bytes could not be read.</exception>
    public AdapterContent Read()
    {
        var entries = new List<TensorEntry>();
        foreach (AdapterModule module in description.Modules)
        {
            entries.AddRange([module.A, module.B]);
        }

        // What is tied is stored once and read once for each of the two modules.
        int firstOfChanges = entries.Count;
        entries.AddRange(description.Parts.Changes.SelectMany(change => change.Tensors));
        var memory = new NativeBlock(Place(entries, out long[] offsets));
        try
        {
            WeightMatrix[] matrices = [.. entries.Select((entry, at) => new WeightMatrix(memory, offsets[at], entry))];
            List<(TensorEntry Entry, Action Read)> reads = [];
            for (int at = 0; at < firstOfChanges; at++)
            {
                // A and B in turn; those of a slice are filled by the factors of all experts.
                if (description.Modules[at / 2].Slice is null)
                {
                    AddMatrix(entries[at], matrices[at]);
                }
            }

            AddChanges(matrices.AsSpan(firstOfChanges));

            AddFused(matrices, reads);
            foreach (BaseMatrix matrix in description.BaseMatrices)
            {
                reads.Add((matrix.Tensor, () => CompareBase(matrix)));
            }

            foreach ((_, Action read) in reads.OrderBy(read => read.Entry.Begin))
            {
                read();
            }

            void AddMatrix(TensorEntry entry, WeightMatrix matrix) => reads.Add((entry, () => ReadMatrix(entry, matrix)));

            void AddChanges(ReadOnlySpan<WeightMatrix> parts)
            {
                foreach (AdapterChange change in description.Parts.Changes)
                {
                    bool isRows = change.HasRows;
                    foreach (TensorEntry entry in change.Tensors)
                    {
                        WeightMatrix matrix = parts[0];
                        parts = parts[1..];
                        ImmutableArray<int> ids = isRows ? change.RowIds : [];
                        isRows = false;
                        if (ids.IsEmpty)
                        {
                            AddMatrix(entry, matrix);
                            continue;
                        }

                        if (change.Rows is { } trained)
                        {
                            reads.Add((trained, () => ReadRows(trained, 0, matrix, row => ids.BinarySearch(change.Ids[row]))));
                        }

                        if (change.Added is { } added)
                        {
                            reads.Add((added, () => ReadRows(added, change.FirstAdded, matrix,
                                row => change.Ids.Contains(row) ? -1 : ids.BinarySearch(row))));
                        }
                    }
                }
            }

            reader.CheckUnchanged();
            ImmutableArray<AdapterContentModule> modules =
            [
                .. description.Modules.Select((module, at) =>
                    new AdapterContentModule(module.Target, module.Rank, module.Scale, matrices[2 * at], matrices[(2 * at) + 1])),
            ];
            ImmutableArray<AdapterContentChange> changes = Changes(modules, matrices.AsSpan(2 * modules.Length));
            return new AdapterContent(description, modules, changes, memory, load, cancellationToken);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    private static long Place(List<TensorEntry> entries, out long[] offsets)
    {
        long end = 0;
        offsets = new long[entries.Count];
        for (int at = 0; at < offsets.Length; at++)
        {
            offsets[at] = end;
            end = checked(end + ((entries[at].Length + NativeBlock.Alignment - 1) & -NativeBlock.Alignment));
        }

        return end;
    }

    private ImmutableArray<AdapterContentChange> Changes(ImmutableArray<AdapterContentModule> modules, ReadOnlySpan<WeightMatrix> matrices)
    {
        var changes = ImmutableArray.CreateBuilder<AdapterContentChange>(description.Parts.Changes.Length);
        int next = 0;
        foreach (AdapterChange change in description.Parts.Changes)
        {
            var content = new AdapterContentChange(change.Target)
            {
                Rows = change.HasRows ? matrices[next++] : null,
                Ids = change.RowIds,
                Bias = change.Bias is null ? null : matrices[next++],
                LoraBias = change.LoraBias is null ? null : matrices[next++],
                Magnitude = change.Magnitude is null ? null : matrices[next++],
            };
            AdapterContentModule? module = modules.FirstOrDefault(module => module.Target.Index == change.Target.Index);
            changes.Add(new ChangeVectors(baseWeights, reader.File).Complete(content, module));
        }

        return changes.MoveToImmutable();
    }

    private void ReadMatrix(TensorEntry entry, WeightMatrix matrix)
    {
        for (long offset = 0; offset < entry.Length; offset += PieceBytes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Span<byte> piece = matrix.Part(offset, (int)Math.Min(PieceBytes, entry.Length - offset));
            reader.Read(entry, offset, piece);
            load?.HasRead(piece.Length);
            using LoadPace.Turn? turn = load?.Work(cancellationToken);
            matrix.LargestBits = Math.Max(matrix.LargestBits, CheckFinite(entry, offset, piece));
        }
    }

    /// <summary>Reads rows of a tensor into their places of a matrix, from one row on; a negative place means none.</summary>
    private void ReadRows(TensorEntry entry, int firstRow, WeightMatrix matrix, Func<int, int> placeOf)
    {
        int rowBytes = (int)(matrix.Length / matrix.Rows);
        for (int row = firstRow; row < entry.Shape[0]; row++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (placeOf(row) is not (>= 0 and var place))
            {
                continue;
            }

            long offset = (long)row * rowBytes;
            Span<byte> values = matrix.Part((long)place * rowBytes, rowBytes);
            reader.Read(entry, offset, values);
            load?.HasRead(rowBytes);
            using LoadPace.Turn? turn = load?.Work(cancellationToken);
            matrix.LargestBits = Math.Max(matrix.LargestBits, CheckFinite(entry, offset, values));
        }
    }

    /// <summary>Factors of all experts are read once and spread over the matrices of the experts.</summary>
    private void AddFused(WeightMatrix[] matrices, List<(TensorEntry Entry, Action Read)> reads)
    {
        foreach (IGrouping<TensorEntry, (ExpertSlice Slice, int At)> fused in description.Modules
            .Select((module, at) => (module.Slice, At: at))
            .Where(pair => pair.Slice is not null)
            .GroupBy(pair => pair.Slice!.First, pair => (pair.Slice!, pair.At)))
        {
            ExpertSlice slice = fused.First().Slice;
            ImmutableArray<WeightMatrix> a = [.. fused.Select(pair => matrices[2 * pair.At])];
            ImmutableArray<WeightMatrix> b = [.. fused.Select(pair => matrices[(2 * pair.At) + 1])];
            (ImmutableArray<WeightMatrix> first, ImmutableArray<WeightMatrix> second) = slice.IsSwapped ? (b, a) : (a, b);
            reads.Add((slice.First, () => ReadFused(slice.First, new FusedFactor(first, isFirst: true, slice.IsSwapped))));
            reads.Add((slice.Second, () => ReadFused(slice.Second, new FusedFactor(second, isFirst: false, slice.IsSwapped))));
        }
    }

    private void ReadFused(TensorEntry entry, FusedFactor factor)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            for (long offset = 0; offset < entry.Length; offset += PieceBytes)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(PieceBytes, entry.Length - offset));
                reader.Read(entry, offset, piece);
                load?.HasRead(piece.Length);
                using LoadPace.Turn? turn = load?.Work(cancellationToken);
                CheckFinite(entry, offset, piece);
                factor.Spread(offset, piece);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        foreach (WeightMatrix matrix in factor.Matrices)
        {
            using LoadPace.Turn? turn = load?.Work(cancellationToken);
            FusedFactor.Measure(matrix);
        }
    }

    private void CompareBase(BaseMatrix matrix)
    {
        TensorEntry entry = matrix.Tensor;
        BaseWeight own = baseWeights.WeightOf(matrix.Target);
        long elements = own.Elements + ((long)matrix.Target.AddedTokens * WantedTensors.ColumnsOf(matrix.Target));
        WeightFormat format = WeightFormat.Of(entry.Type) ?? throw UnservedType.Error(entry.Type);
        // Whole blocks of the base weight, whatever its format.
        int pieceElements = Math.Max(1, PieceBytes / format.BlockBytes / own.Format.BlockElements) * own.Format.BlockElements;
        int pieceBytes = (int)format.BytesOf(pieceElements);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(pieceBytes),
            ownBuffer = ArrayPool<byte>.Shared.Rent((int)own.Format.BytesOf(pieceElements));
        try
        {
            for (long offset = 0; offset < entry.Length; offset += pieceBytes)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(pieceBytes, entry.Length - offset));
                reader.Read(entry, offset, piece);
                load?.HasRead(piece.Length);
                Span<byte> ownPiece = [];
                int compared = 0;
                if (entry.ElementCount == elements)
                {
                    // Rows of added tokens come last.
                    long left = Math.Clamp(own.Elements - (offset / format.BlockBytes), 0, piece.Length / format.BlockBytes);
                    ownPiece = ownBuffer.AsSpan(0, (int)own.Format.BytesOf(left));
                    baseWeights.Read(own, own.Format.BytesOf(offset / format.BlockBytes), ownPiece);
                    compared = (int)format.BytesOf(left);
                }

                using LoadPace.Turn? turn = load?.Work(cancellationToken);
                CheckFinite(entry, offset, piece);
                if (entry.ElementCount != elements
                    || ElementComparison.FirstDifference(format, piece[..compared], own.Format, ownPiece) >= 0)
                {
                    throw new FormatError(
                        LoadErrorKind.Incompatible,
                        reader.File,
                        entry.Name,
                        $"differs from the weight of {matrix.Target.Name} in the base model: this adapter belongs to a changed base");
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            ArrayPool<byte>.Shared.Return(ownBuffer);
        }
    }

    private uint CheckFinite(TensorEntry entry, long offset, ReadOnlySpan<byte> piece)
    {
        uint largest = WeightScan.LargestBits(entry.Type, piece);
        if (!WeightScan.IsNotFinite(entry.Type, largest))
        {
            return largest;
        }

        long element = (offset / entry.Type.ElementSize()) + WeightScan.IndexOfNotFinite(entry.Type, piece);
        throw new FormatError(LoadErrorKind.Tensor, reader.File, entry.Name, $"has NaN or infinity at element {element}");
    }
}
