using ILGPU;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>A function with its constants, and the columns that it is applied to.</summary>
internal readonly struct FunctionShape(int width, int firstColumn, int columns, int kind, float a, float b, float c, float d)
{
    public readonly int Width = width;
    public readonly int FirstColumn = firstColumn;
    public readonly int Columns = columns;

    /// <summary>The number of an <see cref="ElementFunctionKind"/>.</summary>
    public readonly int Kind = kind;
    public readonly float A = a;
    public readonly float B = b;
    public readonly float C = c;
    public readonly float D = d;
}

/// <summary>Columns that are multiplied: of a row of y and x, the first one in each, and how many.</summary>
internal readonly struct ProductColumns(int yWidth, int yColumn, int xWidth, int xColumn, int columns)
{
    public readonly int YWidth = yWidth;
    public readonly int YColumn = yColumn;
    public readonly int XWidth = xWidth;
    public readonly int XColumn = xColumn;
    public readonly int Columns = columns;
}

/// <summary>A factor that depends on the position, and the columns that it is for.</summary>
internal readonly struct PositionShape(int width, int columns, float beta, int length, int offset)
{
    public readonly int Width = width;
    public readonly int Columns = columns;
    public readonly float Beta = beta;
    public readonly int Length = length;
    public readonly int Offset = offset;
}

/// <summary>Operations on one element at a time: rows [T, width], a group per row (x) and 128 columns (y).</summary>
internal static class ElementKernels
{
    /// <summary><c>y = silu(g) ∘ u</c>: x [T, 2 width] with g left and u right, y [T, width].</summary>
    [Kernel]
    public static void Gate(ArrayView<float> x, ArrayView<float> y, int width)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < width)
        {
            long left = (2L * row * width) + column;
            float gate = x[left];
            y[((long)row * width) + column] = gate / (1 + MathF.Exp(-gate)) * x[left + width];
        }
    }

    /// <summary><c>y = gelu(g) ∘ u</c>, with tanh unless exact is 1: x [T, 2 width] with g left and u right, y [T, width].</summary>
    [Kernel]
    public static void GateGelu(ArrayView<float> x, ArrayView<float> y, int width, int exact)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < width)
        {
            long left = (2L * row * width) + column;
            float gate = x[left];
            float value = GeluTanh(gate);
            if (exact != 0)
            {
                value = Gelu(gate);
            }

            y[((long)row * width) + column] = value * x[left + width];
        }
    }

    /// <summary><c>x = f(x)</c> in some columns: x [T, width].</summary>
    [Kernel]
    public static void Apply(ArrayView<float> x, FunctionShape shape)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < shape.Columns)
        {
            long at = ((long)row * shape.Width) + shape.FirstColumn + column;
            float value = x[at];
            float result = shape.A * value;
            if (shape.Kind == (int)ElementFunctionKind.Cap)
            {
                result = Capped(value, shape.A);
            }

            if (shape.Kind == (int)ElementFunctionKind.Silu)
            {
                result = value / (1 + MathF.Exp(-value));
            }

            if (shape.Kind == (int)ElementFunctionKind.Sigmoid)
            {
                result = 1 / (1 + MathF.Exp(-value));
            }

            if (shape.Kind == (int)ElementFunctionKind.Clip)
            {
                result = MathF.Min(MathF.Max(value, -shape.A), shape.A);
            }

            if (shape.Kind == (int)ElementFunctionKind.Gelu)
            {
                result = Gelu(value);
            }

            if (shape.Kind == (int)ElementFunctionKind.GeluTanh)
            {
                result = GeluTanh(value);
            }

            if (shape.Kind == (int)ElementFunctionKind.SquaredRelu)
            {
                float positive = MathF.Max(value, 0f);
                result = positive * positive;
            }

            if (shape.Kind == (int)ElementFunctionKind.Xielu)
            {
                result = shape.A * value * value;
                if (value <= 0f)
                {
                    result = shape.B * (MathF.Exp(MathF.Min(value, shape.D)) - 1f - value);
                }

                result += shape.C * value;
            }

            x[at] = result;
        }
    }

    /// <summary>
    /// <c>x *= 1 + beta ln(1 + ⌊(position + offset) / length⌋)</c> in the first columns: x [T, width], positions [T].
    /// </summary>
    [Kernel]
    public static void ScaleByPosition(ArrayView<float> x, ArrayView<int> positions, PositionShape shape)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < shape.Columns)
        {
            float step = (positions[row] + shape.Offset) / shape.Length;
            x[((long)row * shape.Width) + column] *= 1f + (shape.Beta * MathF.Log(1f + step));
        }
    }

    /// <summary><c>cap · tanh(x / cap)</c>.</summary>
    public static float Capped(float x, float cap) => cap * Tanh(x / cap);

    /// <summary>A device's own tanh may be a rough one.</summary>
    public static float Tanh(float x) => 1f - (2f / (1f + MathF.Exp(2f * x)));

    /// <summary><c>y *= x</c> in some columns: y [T, yWidth], x [T, xWidth].</summary>
    [Kernel]
    public static void Multiply(ArrayView<float> y, ArrayView<float> x, ProductColumns columns)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < columns.Columns)
        {
            y[((long)row * columns.YWidth) + columns.YColumn + column] *= x[((long)row * columns.XWidth) + columns.XColumn + column];
        }
    }

    /// <summary><c>x += y</c>: x, y [T, width].</summary>
    [Kernel]
    public static void Add(ArrayView<float> x, ArrayView<float> y, int width)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < width)
        {
            x[((long)row * width) + column] += y[((long)row * width) + column];
        }
    }

    /// <summary><c>y[o] = x[rows[o]]</c>: rows [O], x [T, width], y [O, width].</summary>
    [Kernel]
    public static void Gather(ArrayView<float> x, ArrayView<int> rows, ArrayView<float> y, int width)
    {
        int row = Grid.IdxX;
        int column = (Grid.IdxY * KernelLoader.GroupSize) + Group.IdxX;
        if (column < width)
        {
            y[((long)row * width) + column] = x[((long)rows[row] * width) + column];
        }
    }

    private static float GeluTanh(float x) =>
        x / (1f + MathF.Exp(-1.5957691216f * (x + (0.044715f * x * x * x))));

    // The error function as in Abramowitz and Stegun 7.1.26, within 1.5e-7.
    private static float Gelu(float x)
    {
        float z = MathF.Abs(x) * 0.70710678118f;
        float t = 1f / (1f + (0.3275911f * z));
        float p = (((((((1.061405429f * t) - 1.453152027f) * t) + 1.421413741f) * t) - 0.284496736f) * t) + 0.254829592f;
        float sum = p * t * MathF.Exp(-z * z);
        if (x > 0f)
        {
            sum = 2f - sum;
        }

        return 0.5f * x * sum;
    }
}
