using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>A part of a launch that multiplies one input by several weights: its columns of y.</summary>
internal readonly struct PartShape(int outputs, int firstColumn, int hasBias)
{
    /// <summary>Rows of W, N.</summary>
    public readonly int Outputs = outputs;

    /// <summary>Where the product begins in y.</summary>
    public readonly int FirstColumn = firstColumn;

    /// <summary>1 if a bias is added.</summary>
    public readonly int HasBias = hasBias;
}

/// <summary>
/// Up to three products that share their input and a launch: groups along x are the blocks of outputs of the first part, then those of the
/// second, then those of the third.
/// </summary>
internal readonly struct GroupShape(int rows, int inputs, int width, PartShape first, PartShape second, PartShape third)
{
    /// <summary>The most parts.</summary>
    public const int MaxParts = 3;

    /// <summary>Rows of x and y, T.</summary>
    public readonly int Rows = rows;

    /// <summary>Columns of x and W, K.</summary>
    public readonly int Inputs = inputs;

    private readonly int _width = width;
    private readonly PartShape _first = first;
    private readonly PartShape _second = second;
    private readonly PartShape _third = third;

    /// <summary>Groups along x, where each has 2 to the <paramref name="outputsLog2"/> outputs.</summary>
    public int Blocks(int outputsLog2) =>
        Blocks(_first, outputsLog2) + Blocks(_second, outputsLog2) + Blocks(_third, outputsLog2);

    /// <summary>The part of a group.</summary>
    public int PartOf(int block, int outputsLog2)
    {
        int end = Blocks(_first, outputsLog2);
        int part = 0;
        if (block >= end)
        {
            part = 1;
        }

        end += Blocks(_second, outputsLog2);
        if (block >= end)
        {
            part = 2;
        }

        return part;
    }

    /// <summary>The first group of a part.</summary>
    public int FirstBlock(int part, int outputsLog2)
    {
        int block = 0;
        if (part > 0)
        {
            block += Blocks(_first, outputsLog2);
        }

        if (part > 1)
        {
            block += Blocks(_second, outputsLog2);
        }

        return block;
    }

    /// <summary>A part by itself.</summary>
    public ProductShape Of(int part)
    {
        PartShape shape = _first;
        if (part == 1)
        {
            shape = _second;
        }

        if (part == 2)
        {
            shape = _third;
        }

        return new ProductShape(Rows, Inputs, shape.Outputs, _width, shape.FirstColumn, shape.HasBias);
    }

    /// <summary>The view of a part.</summary>
    public static ArrayView<T> View<T>(int part, ArrayView<T> first, ArrayView<T> second, ArrayView<T> third)
        where T : unmanaged
    {
        ArrayView<T> view = first;
        if (part == 1)
        {
            view = second;
        }

        if (part == 2)
        {
            view = third;
        }

        return view;
    }

    private static int Blocks(PartShape part, int outputsLog2) => (part.Outputs + (1 << outputsLog2) - 1) >> outputsLog2;
}
