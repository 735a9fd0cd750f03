using System.Numerics.Tensors;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;

namespace SLoRA.Evaluation.Systems;

/// <summary>
/// The Cpu backend with weights that adapters can be merged into: W + scale · B A in fp32, rounded to the type of the weights, always from
/// the checkpoint's own, so that nothing drifts.
/// </summary>
/// <param name="inner">Holds the weights.</param>
/// <param name="adapters">What is merged.</param>
/// <param name="threads">Threads that merge.</param>
internal sealed unsafe class MergingBackend(CpuBackend inner, SyntheticAdapters adapters, int threads) : ForwardingBackend(inner)
{
    private readonly List<Mergeable> _matrices = [];
    private readonly Lazy<ComputeThreads> _threads = new(() => new ComputeThreads(threads));

    /// <inheritdoc/>
    public override DeviceMatrix LoadMatrix(WeightSource source)
    {
        DeviceMatrix matrix = base.LoadMatrix(source);
        foreach ((string module, int _, int _) in adapters.Targets())
        {
            if (source.Name.EndsWith($".self_attn.{module}.weight", StringComparison.Ordinal))
            {
                _matrices.Add(new Mergeable(source, (CpuMatrix)matrix, int.Parse(source.Name.Split('.')[2]), module));
            }
        }

        return matrix;
    }

    /// <summary>Makes the weights those of an adapter, or the base's own.</summary>
    /// <param name="number">The adapter; negative for the base.</param>
    /// <param name="rank">Its rank.</param>
    public void Merge(int number, int rank)
    {
        foreach (Mergeable mergeable in _matrices)
        {
            WeightSource source = mergeable.Source;
            if (number < 0)
            {
                Pack(source, mergeable.Matrix);
                continue;
            }

            byte[] merged = Merged(source, mergeable, number, rank);
            fixed (byte* data = merged)
            {
                Pack(source.At((nint)data), mergeable.Matrix);
            }
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_threads.IsValueCreated)
        {
            _threads.Value.Dispose();
        }

        base.Dispose();
    }

    private byte[] Merged(WeightSource source, Mergeable mergeable, int number, int rank)
    {
        TensorType type = ((PlainFormat)source.Format).Type;
        float[] a = adapters.Widened(adapters.A(number, mergeable.Layer, mergeable.Module, rank, source.Columns));
        float[] b = adapters.Widened(adapters.B(number, mergeable.Layer, mergeable.Module, rank, source.Rows));
        var merged = new byte[source.Bytes];
        Parallel.For(0, source.Rows, new ParallelOptions { MaxDegreeOfParallelism = threads }, row =>
        {
            var sum = new float[source.Columns];
            source.Format.Widen(source.Row(row), sum);
            for (int k = 0; k < rank; k++)
            {
                TensorPrimitives.MultiplyAdd(
                    a.AsSpan(k * source.Columns, source.Columns), SyntheticAdapters.Scale * b[(row * rank) + k], sum, sum);
            }

            fixed (byte* target = merged)
            {
                for (int column = 0; column < sum.Length; column++)
                {
                    Elements.Write(type, target, ((long)row * source.Columns) + column, sum[column]);
                }
            }
        });
        return merged;
    }

    private void Pack(WeightSource source, CpuMatrix matrix)
    {
        int parts = Math.Min(matrix.Panels, 8 * threads);
        _threads.Value.Run(CpuFormats.Of(source, CpuWeights.AsStored).Pack(source, matrix, parts), parts);
    }

    private sealed record Mergeable(WeightSource Source, CpuMatrix Matrix, int Layer, string Module);
}
