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
        entries.AddRange(description.Parts.Changes.SelectMany(change => change.Tensors));
        var memory = new NativeBlock(Place(entries, out long[] offsets));
        try
        {
            WeightMatrix[] matrices = [.. entries.Select((entry, at) => new WeightMatrix(memory, offsets[at], entry))];
            List<(TensorEntry Entry, Action Read)> reads = [];
            for (int at = 0; at < entries.Count; at++)
            {
                // A and B of every module come first, in turn; those of a slice are filled by the factors of all experts.
                if (at / 2 >= description.Modules.Length || description.Modules[at / 2].Slice is null)
                {
                    (TensorEntry entry, WeightMatrix matrix) = (entries[at], matrices[at]);
                    reads.Add((entry, () => ReadMatrix(entry, matrix)));
                }
            }

            AddFused(matrices, reads);
            foreach (BaseMatrix matrix in description.BaseMatrices)
            {
                reads.Add((matrix.Tensor, () => CompareBase(matrix)));
            }

            foreach ((_, Action read) in reads.OrderBy(read => read.Entry.Begin))
            {
                read();
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
                Rows = change.Rows is null ? null : matrices[next++],
                Ids = [.. change.Ids.Order()],
                Bias = change.Bias is null ? null : matrices[next++],
                LoraBias = change.LoraBias is null ? null : matrices[next++],
                Magnitude = change.Magnitude is null ? null : matrices[next++],
            };
            if (!change.Ids.IsEmpty)
            {
                content.Rows!.SortRows(change.Ids.AsSpan());
            }

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
                if (entry.ElementCount == own.Elements)
                {
                    ownPiece = ownBuffer.AsSpan(0, (int)own.Format.BytesOf(piece.Length / format.BlockBytes));
                    baseWeights.Read(own, own.Format.BytesOf(offset / format.BlockBytes), ownPiece);
                }

                using LoadPace.Turn? turn = load?.Work(cancellationToken);
                CheckFinite(entry, offset, piece);
                if (entry.ElementCount != own.Elements || ElementComparison.FirstDifference(format, piece, own.Format, ownPiece) >= 0)
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
