using System.Runtime.Intrinsics;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary><c>y = f(g) ∘ u</c> for x <c>[rows, 2 I]</c> with g its left and u its right half.</summary>
internal sealed unsafe class GateJob(int workers) : RowJob(workers)
{
    // An exponential and a division, in elements that are only multiplied.
    private const int GateWork = 4;

    private CpuRows _x = null!;
    private CpuRows _y = null!;
    private Activation _activation;

    /// <summary>Sets the next gate and says in how many parts it comes.</summary>
    public int Prepare(Activation activation, CpuRows x, CpuRows y, int rows)
    {
        _activation = activation;
        _x = x;
        _y = y;
        return Prepare(rows, GateWork * y.Width);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        switch (_activation)
        {
            case Activation.Silu:
                Gate<SiluGate>(row);
                break;
            case Activation.Gelu:
                Gate<GeluGate>(row);
                break;
            case Activation.GeluTanh:
                Gate<GeluTanhGate>(row);
                break;
            default:
                throw new InvalidOperationException($"The Cpu backend has no activation {_activation}.");
        }
    }

    private void Gate<T>(int row)
        where T : struct, IGate
    {
        int width = _y.Width;
        float* gate = _x.Row(row);
        float* up = gate + width;
        float* y = _y.Row(row);
        int i = 0;
        for (; i + Lanes.Count <= width; i += Lanes.Count)
        {
            (T.Of(Vector512.Load(gate + i)) * Vector512.Load(up + i)).Store(y + i);
        }

        if (i < width)
        {
            int left = width - i;
            Lanes.StoreFirst(T.Of(Lanes.LoadFirst(gate + i, left)) * Lanes.LoadFirst(up + i, left), y + i, left);
        }
    }

    private interface IGate
    {
        static abstract Vector512<float> Of(Vector512<float> gate);
    }

    private readonly struct SiluGate : IGate
    {
        public static Vector512<float> Of(Vector512<float> gate) => Activations.Silu(gate);
    }

    private readonly struct GeluGate : IGate
    {
        public static Vector512<float> Of(Vector512<float> gate) => Activations.Gelu(gate);
    }

    private readonly struct GeluTanhGate : IGate
    {
        public static Vector512<float> Of(Vector512<float> gate) => Activations.GeluTanh(gate);
    }
}
