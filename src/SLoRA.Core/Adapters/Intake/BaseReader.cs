using System.Buffers;
using SLoRA.Models;

namespace SLoRA.Adapters.Intake;

/// <summary>Takes a run of a base weight's values, and where it begins in the weight.</summary>
internal delegate void BaseValues(long first, ReadOnlySpan<float> values);

/// <summary>Reads weights of the base model while an adapter is read, piece by piece and in its turn.</summary>
/// <param name="weight">The weight of a module.</param>
/// <param name="bias">The bias of a module that has one; null when no module has.</param>
/// <param name="memory">Held while weights in memory are looked at; null when it is sure to stay.</param>
/// <param name="load">Says when it may work; null for always.</param>
/// <param name="cancellation">Ends the reading between two pieces.</param>
internal sealed class BaseReader(
    Func<TargetModule, BaseWeight> weight, Func<TargetModule, BaseWeight>? bias, MemoryGate? memory, PacedLoad? load,
    CancellationToken cancellation)
{
    // Some rows at a time: work between two turns stays near a millisecond.
    private const int PieceElements = 1 << 16;

    /// <summary>The stored weight of a module.</summary>
    public BaseWeight WeightOf(TargetModule module) => weight(module);

    /// <summary>The bias of a module; null if it has none.</summary>
    public float[]? BiasOf(TargetModule module)
    {
        if (!module.HasBias)
        {
            return null;
        }

        var values = new float[module.OutFeatures];
        Read(bias!(module), module.OutFeatures, (first, piece) => piece.CopyTo(values.AsSpan((int)first)));
        return values;
    }

    /// <summary>Reads bytes of a stored weight.</summary>
    public void Read(BaseWeight own, long offset, Span<byte> destination)
    {
        // Files may hang; inside the gate there is nothing but memory that could go away.
        using MemoryGate.Visit? visit = own.IsInMemory ? memory?.Enter() : null;
        own.Read(offset, destination);
    }

    /// <summary>Reads a whole weight in fp32, in whole rows.</summary>
    /// <param name="own">The weight.</param>
    /// <param name="columns">Elements of a row: whole blocks.</param>
    /// <param name="take">Takes the rows.</param>
    public void Read(BaseWeight own, int columns, BaseValues take)
    {
        int rows = Math.Max(1, PieceElements / columns);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(checked((int)own.Format.BytesOf((long)rows * columns)));
        float[] values = ArrayPool<float>.Shared.Rent(rows * columns);
        try
        {
            for (long first = 0; first < own.Elements; first += (long)rows * columns)
            {
                cancellation.ThrowIfCancellationRequested();
                int count = (int)Math.Min((long)rows * columns, own.Elements - first);
                Span<byte> piece = bytes.AsSpan(0, (int)own.Format.BytesOf(count));
                Read(own, own.Format.BytesOf(first), piece);
                load?.HasRead(piece.Length);
                using LoadPace.Turn? turn = load?.Work(cancellation);
                own.Format.Widen(piece, values.AsSpan(0, count));
                take(first, values.AsSpan(0, count));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
            ArrayPool<float>.Shared.Return(values);
        }
    }
}
