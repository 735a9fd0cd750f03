using System.Runtime.InteropServices;
using SLoRA.Backends;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Models.Blocks;

/// <summary>
/// Weights of a decoder by the names of their tensors, random from a seed: fp32, or of another format where that has whole blocks.
/// </summary>
internal sealed class NamedWeights : IDisposable
{
    private readonly Dictionary<string, (WeightSource Source, GCHandle Handle)> _tensors = [];

    private NamedWeights()
    {
    }

    public NamedWeights(DecoderModules modules, int seed = 1, Func<ExpectedTensor, WeightFormat>? format = null)
    {
        var random = new Random(seed);
        foreach (ExpectedTensor tensor in modules.Tensors)
        {
            WeightFormat stored = format?.Invoke(tensor) ?? WeightFormat.F32;
            int rows = tensor.Shape is [long outputs, _] ? (int)outputs : 1;
            Add(tensor.Name, stored, RandomBlocks.Make(stored, (int)tensor.ElementCount, () => random.NextSingle() - 0.5f),
                rows, (int)tensor.ElementCount / rows);
        }
    }

    /// <summary>Weights in fp32 whose values somebody gives.</summary>
    public NamedWeights(DecoderModules modules, Func<ExpectedTensor, float[]> values)
    {
        foreach (ExpectedTensor tensor in modules.Tensors)
        {
            int columns = tensor.Shape.IsEmpty ? 1 : (int)tensor.Shape[^1];
            byte[] bytes = MemoryMarshal.AsBytes<float>(values(tensor)).ToArray();
            Add(tensor.Name, WeightFormat.F32, bytes, (int)tensor.ElementCount / columns, columns);
        }
    }

    public int Rows(string name) => _tensors[name].Source.Rows;

    public double[] Row(string name, int row)
    {
        WeightSource source = Source(name);
        return [.. source.Widened().Skip(row * source.Columns).Take(source.Columns).Select(value => (double)value)];
    }

    public WeightSource Source(string name) => _tensors[name].Source;

    /// <summary>The same values in fp32.</summary>
    public NamedWeights Widened()
    {
        var wide = new NamedWeights();
        foreach ((WeightSource source, _) in _tensors.Values)
        {
            wide.Add(source.Name, WeightFormat.F32, MemoryMarshal.AsBytes<float>(source.Widened()).ToArray(), source.Rows, source.Columns);
        }

        return wide;
    }

    public void Dispose()
    {
        foreach ((_, GCHandle handle) in _tensors.Values)
        {
            handle.Free();
        }
    }

    private void Add(string name, WeightFormat format, byte[] blocks, int rows, int columns)
    {
        var handle = GCHandle.Alloc(blocks, GCHandleType.Pinned);
        _tensors.Add(name, (new WeightSource(name, format, handle.AddrOfPinnedObject(), rows, columns), handle));
    }
}
