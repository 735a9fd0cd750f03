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
    Func<TargetModule, BaseWeight> baseWeight,
    MemoryGate? baseMemory,
    PacedLoad? load,
    CancellationToken cancellationToken)
{
    private const int PieceBytes = LoadPace.PieceBytes;

    /// <summary>Reads all.</summary>
    /// <exception cref="FormatError">A value or a copy of a base weight is wrong, or the bytes could not be read.</exception>
    public AdapterContent Read()
    {
        (long Bytes, ImmutableArray<(long A, long B)> Offsets) place = Place();
        var memory = new NativeBlock(place.Bytes);
        try
        {
            ImmutableArray<AdapterContentModule> modules =
            [
                .. description.Modules.Select((module, at) => new AdapterContentModule(
                    module.Target,
                    module.Rank,
                    module.Scale,
                    new WeightMatrix(memory, place.Offsets[at].A, module.A),
                    new WeightMatrix(memory, place.Offsets[at].B, module.B))),
            ];
            List<(TensorEntry Entry, Action Read)> reads = [];
            AddFused(modules, reads);
            foreach ((AdapterModule module, AdapterContentModule content) in description.Modules.Zip(modules))
            {
                if (module.Slice is not null)
                {
                    continue;
                }

                reads.Add((module.A, () => ReadMatrix(module.A, content.A)));
                reads.Add((module.B, () => ReadMatrix(module.B, content.B)));
            }

            foreach (BaseMatrix matrix in description.BaseMatrices)
            {
                reads.Add((matrix.Tensor, () => CompareBase(matrix)));
            }

            foreach ((_, Action read) in reads.OrderBy(read => read.Entry.Begin))
            {
                read();
            }

            reader.CheckUnchanged();
            return new AdapterContent(description, modules, memory, load, cancellationToken);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    private (long Bytes, ImmutableArray<(long A, long B)> Offsets) Place()
    {
        long end = 0;
        var offsets = ImmutableArray.CreateBuilder<(long A, long B)>(description.Modules.Length);
        foreach (AdapterModule module in description.Modules)
        {
            offsets.Add((Take(module.A.Length), Take(module.B.Length)));
        }

        return (end, offsets.MoveToImmutable());

        long Take(long bytes)
        {
            long begin = end;
            end = checked(end + ((bytes + NativeBlock.Alignment - 1) & -NativeBlock.Alignment));
            return begin;
        }
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
    private void AddFused(ImmutableArray<AdapterContentModule> modules, List<(TensorEntry Entry, Action Read)> reads)
    {
        foreach (IGrouping<TensorEntry, (ExpertSlice Slice, AdapterContentModule Content)> fused in description.Modules.Zip(modules)
            .Where(pair => pair.First.Slice is not null)
            .GroupBy(pair => pair.First.Slice!.First, pair => (pair.First.Slice!, pair.Second)))
        {
            ExpertSlice slice = fused.First().Slice;
            ImmutableArray<WeightMatrix> a = [.. fused.Select(pair => pair.Content.A)], b = [.. fused.Select(pair => pair.Content.B)];
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
        BaseWeight own = baseWeight(matrix.Target);
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
                    ReadBase(own, own.Format.BytesOf(offset / format.BlockBytes), ownPiece);
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

    private void ReadBase(BaseWeight own, long offset, Span<byte> destination)
    {
        // Files may hang; inside the gate there is nothing but memory that could go away.
        using MemoryGate.Visit? visit = own.IsInMemory ? baseMemory?.Enter() : null;
        own.Read(offset, destination);
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
