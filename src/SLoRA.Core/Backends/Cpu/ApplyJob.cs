using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary><c>x[t, c] = f(x[t, c])</c> over some columns.</summary>
internal sealed unsafe class ApplyJob(int workers) : RowJob(workers)
{
    // An exponential and a division, in elements that are only multiplied.
    private const int FunctionWork = 4;

    private CpuRows _x = null!;
    private ElementFunction _function;
    private int _firstColumn;
    private int _columns;

    /// <summary>Sets the next function and says in how many parts it comes.</summary>
    public int Prepare(ElementFunction function, CpuRows x, int firstColumn, int columns, int rows)
    {
        _function = function;
        _x = x;
        _firstColumn = firstColumn;
        _columns = columns;
        return Prepare(rows, (function.Kind == ElementFunctionKind.Scale ? 1 : FunctionWork) * columns);
    }

    /// <summary><c>cap · tanh(x / cap)</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> Cap(Vector512<float> x, float cap)
    {
        // tanh(u) = 1 − 2 / (1 + e²ᵘ).
        Vector512<float> power = Exponential.Of(x * Vector512.Create(2 / cap));
        return Vector512.Create(cap) * (Vector512<float>.One - (Vector512.Create(2f) / (Vector512<float>.One + power)));
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        float* x = _x.Row(row) + _firstColumn;
        int i = 0;
        for (; i + Lanes.Count <= _columns; i += Lanes.Count)
        {
            Of(Vector512.Load(x + i)).Store(x + i);
        }

        if (i < _columns)
        {
            Lanes.StoreFirst(Of(Lanes.LoadFirst(x + i, _columns - i)), x + i, _columns - i);
        }
    }

    private Vector512<float> Of(Vector512<float> x) => _function.Kind switch
    {
        ElementFunctionKind.Scale => x * Vector512.Create(_function.A),
        ElementFunctionKind.Cap => Cap(x, _function.A),
        ElementFunctionKind.Silu => Activations.Silu(x),
        ElementFunctionKind.Sigmoid => Vector512<float>.One / (Vector512<float>.One + Exponential.Of(-x)),
        ElementFunctionKind.Clip => Vector512.Min(Vector512.Max(x, Vector512.Create(-_function.A)), Vector512.Create(_function.A)),
        ElementFunctionKind.Gelu => Activations.Gelu(x),
        ElementFunctionKind.GeluTanh => Activations.GeluTanh(x),
        ElementFunctionKind.SquaredRelu => SquaredRelu(x),
        ElementFunctionKind.Xielu => Xielu(x),
        _ => throw new InvalidOperationException($"The Cpu backend has no function {_function.Kind}."),
    };

    private static Vector512<float> SquaredRelu(Vector512<float> x)
    {
        Vector512<float> positive = Vector512.MaxNative(x, Vector512<float>.Zero);
        return positive * positive;
    }

    private Vector512<float> Xielu(Vector512<float> x)
    {
        Vector512<float> right = Vector512.Create(_function.A) * x * x;
        Vector512<float> power = Exponential.Of(Vector512.MinNative(x, Vector512.Create(_function.D)));
        Vector512<float> left = Vector512.Create(_function.B) * (power - Vector512<float>.One - x);
        Vector512<float> curve = Vector512.ConditionalSelect(Vector512.GreaterThan(x, Vector512<float>.Zero), right, left);
        return curve + (Vector512.Create(_function.C) * x);
    }
}
