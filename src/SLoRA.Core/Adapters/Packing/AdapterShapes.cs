using System.Collections.Immutable;
using System.Security.Cryptography;
using SLoRA.Adapters.Intake;
using SLoRA.Formats;

namespace SLoRA.Adapters.Packing;

/// <summary>
/// The shapes of the adapters of one engine. Thousands of adapters come in a handful of shapes; what nobody has any more is forgotten.
/// Thread-safe.
/// </summary>
/// <param name="modelModules">Modules of the model.</param>
/// <param name="pageBytes">Bytes of a page.</param>
/// <param name="policy">In which type weights lie in the pages.</param>
/// <param name="baseType">The type of the base weights.</param>
/// <param name="shards">Shards that have a slice of every page.</param>
internal sealed class AdapterShapes(
    int modelModules, long pageBytes, AdapterWeightType policy, TensorType baseType, int shards = 1)
{
    private readonly Dictionary<GenerationId, WeakReference<AdapterShape>> _shapes = [];
    private int _sweepAt = 64;

    /// <summary>Bytes of a page.</summary>
    public long PageBytes => pageBytes;

    /// <summary>The shape of an adapter.</summary>
    public AdapterShape Of(AdapterParts parts)
    {
        GenerationId key = Key(parts);
        lock (_shapes)
        {
            if (_shapes.TryGetValue(key, out WeakReference<AdapterShape>? known) && known.TryGetTarget(out AdapterShape? shape))
            {
                return shape;
            }

            Sweep();
            shape = new AdapterShape(
                parts, pageBytes, adapter => TilePlanner.Plan(adapter, modelModules, pageBytes, policy, baseType, shards));
            _shapes[key] = new WeakReference<AdapterShape>(shape);
            return shape;
        }
    }

    /// <summary>Drops the entries of shapes that nobody has, whenever their number has doubled.</summary>
    private void Sweep()
    {
        if (_shapes.Count < _sweepAt)
        {
            return;
        }

        foreach ((GenerationId key, WeakReference<AdapterShape> shape) in _shapes)
        {
            if (!shape.TryGetTarget(out _))
            {
                _shapes.Remove(key);
            }
        }

        _sweepAt = Math.Max(64, 2 * _shapes.Count);
    }

    private static GenerationId Key(AdapterParts parts)
    {
        using var text = new MemoryStream();
        using var writer = new BinaryWriter(text);
        foreach (AdapterModule module in parts.Modules)
        {
            writer.Write(module.Target.Index);
            writer.Write(module.Rank);
            writer.Write(module.Scale);
            writer.Write((int)module.A.Type);
            writer.Write((int)module.B.Type);
        }

        foreach (AdapterChange change in parts.Changes)
        {
            writer.Write(change.Target.Index);
            writer.Write(change.AllRows is { } rows ? (int)rows.Type : -1);
            Write(change.RowIds);
            writer.Write(change.HasFactor);
            writer.Write(change.HasOffset);
        }

        writer.Write(parts.AddedTokens);
        Write(parts.InvocationTokens);
        writer.Flush();
        return GenerationId.FromHash(SHA256.HashData(text.GetBuffer().AsSpan(0, (int)text.Length)));

        void Write(ImmutableArray<int> numbers)
        {
            writer.Write(numbers.Length);
            foreach (int number in numbers)
            {
                writer.Write(number);
            }
        }
    }
}
