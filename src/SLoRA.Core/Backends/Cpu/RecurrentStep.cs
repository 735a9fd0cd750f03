using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>What one row and one head bring to a recurrence.</summary>
internal unsafe struct RecurrentRow
{
    /// <summary>k <c>[n]</c>.</summary>
    public float* Key;

    /// <summary>q <c>[n]</c>.</summary>
    public float* Query;

    /// <summary>v <c>[p]</c>.</summary>
    public float* Value;

    /// <summary>y <c>[p]</c>.</summary>
    public float* Result;

    /// <summary>What the state is multiplied by.</summary>
    public float Decay;

    /// <summary>What the new value is multiplied by.</summary>
    public float Factor;

    /// <summary>What the value is multiplied by that is added to the result.</summary>
    public float Skip;
}

/// <summary>
/// One row of a <see cref="Recurrence"/> over 16 columns of a state <c>[n, 16]</c>: <c>u</c>, <c>S = decay · S + k uᵀ</c>,
/// <c>y = Sᵀ q</c>. Two passes over the state at the most: the first adds up <c>Sᵀ k</c>, which the delta rule alone needs. Sums over n
/// have four parts, i in part i mod 4 and what is left over in the first; the same operations for each column at every width.
/// </summary>
internal static unsafe class RecurrentStep
{
    /// <summary>Goes one row on.</summary>
    /// <param name="state">S <c>[n, 16]</c>.</param>
    /// <param name="row">Key, query, decay, factor and skip.</param>
    /// <param name="shape">The recurrence.</param>
    /// <param name="value">v <c>[16]</c>.</param>
    /// <param name="result">y <c>[16]</c>.</param>
    public static void Next(float* state, RecurrentRow* row, Recurrence shape, float* value, float* result)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Next16(state, row, shape.KeyColumns, shape.IsDelta, value, result);
            return;
        }

        for (int half = 0; half < Lanes.Count; half += Vector256<float>.Count)
        {
            Next8(state + half, row, shape.KeyColumns, shape.IsDelta, value + half, result + half);
        }
    }

    /// <summary><c>y = scale · x / √(Σ x² + ε)</c>.</summary>
    public static void ToLength(float* x, float* y, int count, float scale)
    {
        Vector512<float> squares = Vector512<float>.Zero;
        int i = 0;
        for (; i + Lanes.Count <= count; i += Lanes.Count)
        {
            Vector512<float> values = Vector512.Load(x + i);
            squares = MultiplyAdd.Of(values, values, squares);
        }

        if (i < count)
        {
            Vector512<float> values = Lanes.LoadFirst(x + i, count - i);
            squares = MultiplyAdd.Of(values, values, squares);
        }

        float factor = scale / MathF.Sqrt(Lanes.Sum(squares) + Recurrence.LengthEpsilon);
        for (i = 0; i + Lanes.Count <= count; i += Lanes.Count)
        {
            (Vector512.Load(x + i) * factor).Store(y + i);
        }

        for (; i < count; i++)
        {
            y[i] = x[i] * factor;
        }
    }

    /// <summary><c>ln(1 + eˣ)</c>; in double, because what is lost below 1 would be lost at every row.</summary>
    public static float Softplus(float x) => (float)(Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs((double)x))));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Next16(float* state, RecurrentRow* row, int keys, bool isDelta, float* value, float* result)
    {
        float* key = row->Key;
        float* query = row->Query;
        int whole = keys & ~3;
        Vector512<float> decay = Vector512.Create(row->Decay), v = Vector512.Load(value), u = v;
        Vector512<float> s0 = Vector512<float>.Zero, s1 = s0, s2 = s0, s3 = s0;
        if (isDelta)
        {
            for (int i = 0; i < whole; i += 4)
            {
                float* at = state + (i * Lanes.Count);
                s0 = MultiplyAdd.Of(Vector512.Load(at), Vector512.Create(key[i]), s0);
                s1 = MultiplyAdd.Of(Vector512.Load(at + 16), Vector512.Create(key[i + 1]), s1);
                s2 = MultiplyAdd.Of(Vector512.Load(at + 32), Vector512.Create(key[i + 2]), s2);
                s3 = MultiplyAdd.Of(Vector512.Load(at + 48), Vector512.Create(key[i + 3]), s3);
            }

            for (int i = whole; i < keys; i++)
            {
                s0 = MultiplyAdd.Of(Vector512.Load(state + (i * Lanes.Count)), Vector512.Create(key[i]), s0);
            }

            u -= decay * ((s0 + s1) + (s2 + s3));
            s0 = s1 = s2 = s3 = Vector512<float>.Zero;
        }

        u *= Vector512.Create(row->Factor);
        for (int i = 0; i < whole; i += 4)
        {
            float* at = state + (i * Lanes.Count);
            s0 = Cell16(at, key[i], query[i], decay, u, s0);
            s1 = Cell16(at + 16, key[i + 1], query[i + 1], decay, u, s1);
            s2 = Cell16(at + 32, key[i + 2], query[i + 2], decay, u, s2);
            s3 = Cell16(at + 48, key[i + 3], query[i + 3], decay, u, s3);
        }

        for (int i = whole; i < keys; i++)
        {
            s0 = Cell16(state + (i * Lanes.Count), key[i], query[i], decay, u, s0);
        }

        MultiplyAdd.Of(Vector512.Create(row->Skip), v, (s0 + s1) + (s2 + s3)).Store(result);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Cell16(
        float* cell, float key, float query, Vector512<float> decay, Vector512<float> u, Vector512<float> sum)
    {
        Vector512<float> next = MultiplyAdd.Of(Vector512.Create(key), u, decay * Vector512.Load(cell));
        next.Store(cell);
        return MultiplyAdd.Of(next, Vector512.Create(query), sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Next8(float* state, RecurrentRow* row, int keys, bool isDelta, float* value, float* result)
    {
        float* key = row->Key;
        float* query = row->Query;
        int whole = keys & ~3;
        Vector256<float> decay = Vector256.Create(row->Decay), v = Vector256.Load(value), u = v;
        Vector256<float> s0 = Vector256<float>.Zero, s1 = s0, s2 = s0, s3 = s0;
        if (isDelta)
        {
            for (int i = 0; i < whole; i += 4)
            {
                float* at = state + (i * Lanes.Count);
                s0 = MultiplyAdd.Of(Vector256.Load(at), Vector256.Create(key[i]), s0);
                s1 = MultiplyAdd.Of(Vector256.Load(at + 16), Vector256.Create(key[i + 1]), s1);
                s2 = MultiplyAdd.Of(Vector256.Load(at + 32), Vector256.Create(key[i + 2]), s2);
                s3 = MultiplyAdd.Of(Vector256.Load(at + 48), Vector256.Create(key[i + 3]), s3);
            }

            for (int i = whole; i < keys; i++)
            {
                s0 = MultiplyAdd.Of(Vector256.Load(state + (i * Lanes.Count)), Vector256.Create(key[i]), s0);
            }

            u -= decay * ((s0 + s1) + (s2 + s3));
            s0 = s1 = s2 = s3 = Vector256<float>.Zero;
        }

        u *= Vector256.Create(row->Factor);
        for (int i = 0; i < whole; i += 4)
        {
            float* at = state + (i * Lanes.Count);
            s0 = Cell8(at, key[i], query[i], decay, u, s0);
            s1 = Cell8(at + 16, key[i + 1], query[i + 1], decay, u, s1);
            s2 = Cell8(at + 32, key[i + 2], query[i + 2], decay, u, s2);
            s3 = Cell8(at + 48, key[i + 3], query[i + 3], decay, u, s3);
        }

        for (int i = whole; i < keys; i++)
        {
            s0 = Cell8(state + (i * Lanes.Count), key[i], query[i], decay, u, s0);
        }

        MultiplyAdd.Of(Vector256.Create(row->Skip), v, (s0 + s1) + (s2 + s3)).Store(result);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Cell8(
        float* cell, float key, float query, Vector256<float> decay, Vector256<float> u, Vector256<float> sum)
    {
        Vector256<float> next = MultiplyAdd.Of(Vector256.Create(key), u, decay * Vector256.Load(cell));
        next.Store(cell);
        return MultiplyAdd.Of(next, Vector256.Create(query), sum);
    }
}
