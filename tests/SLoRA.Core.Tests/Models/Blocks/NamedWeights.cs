using System.Runtime.InteropServices;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Models.Blocks;

/// <summary>fp32 weights of a decoder by the names of their tensors, random from a seed.</summary>
internal sealed class NamedWeights : IDisposable
{
    private readonly Dictionary<string, (float[] Values, GCHandle Handle, int Rows)> _tensors = [];

    public NamedWeights(DecoderModules modules, int seed = 1)
    {
        var random = new Random(seed);
        foreach (ExpectedTensor tensor in modules.Tensors)
        {
            float[] values = [.. Enumerable.Range(0, (int)tensor.ElementCount).Select(_ => random.NextSingle() - 0.5f)];
            _tensors.Add(
                tensor.Name, (values, GCHandle.Alloc(values, GCHandleType.Pinned), tensor.Shape is [long rows, _] ? (int)rows : 1));
        }
    }

    public int Rows(string name) => _tensors[name].Rows;

    public double[] Row(string name, int row)
    {
        (float[] values, _, int rows) = _tensors[name];
        int columns = values.Length / rows;
        return [.. values.Skip(row * columns).Take(columns).Select(value => (double)value)];
    }

    public WeightSource Source(string name)
    {
        (float[] values, GCHandle handle, int rows) = _tensors[name];
        return new WeightSource(name, TensorType.F32, handle.AddrOfPinnedObject(), rows, values.Length / rows);
    }

    public void Dispose()
    {
        foreach ((_, GCHandle handle, _) in _tensors.Values)
        {
            handle.Free();
        }
    }
}
