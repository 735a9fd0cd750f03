using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>y = x Wᵀ + b</c> for the parts of a <see cref="LinearGroup"/>, x <c>[rows, Inputs]</c>, y <c>[rows, Outputs]</c>. Threads share out
/// the panels; a thread takes all rows through a few panels that stay in its cache, so weights are read from memory once per step. When it
/// has its columns it adds the LoRA deltas to them.
/// </summary>
internal sealed unsafe class ProductJob : ComputeJob
{
    // The most panels of a unit; fewer where they would not stay in the cache from one block of rows to the next, and for two to four
    // blocks of rows, where the panels of two units would not: the last blocks use those of one while the next unit's are on their way.
    private const int LargestUnitPanels = 12;
    private const int UnitBytes = 1200 << 10;
    private const int UnitBytesOfSomeRows = 400 << 10;
    private const int FewRows = 4;
    private const int SomeRows = 32;
    private const int PartsPerWorker = 16;

    private readonly AlignedMemory _results;
    private readonly int _workers;
    private readonly WordProducts? _code;
    private readonly UnpackSpaces _space;
    private LinearGroup _group = null!;
    private CpuRows _x = null!;
    private CpuRows _y = null!;
    private QuantizedInputs _quantized = null!;
    private ExpandJob? _expand;
    private bool _withBias;
    private int _rows;
    private int _unitPanels;
    private int _units;
    private int _parts;

    /// <summary>Makes the job.</summary>
    /// <param name="workers">Threads that run it.</param>
    /// <param name="results">Scratch of at least <see cref="BytesFor"/> bytes.</param>
    /// <param name="code">Machine code for int8 weights, or null.</param>
    /// <param name="space">Where packed weights are unpacked.</param>
    public ProductJob(int workers, AlignedMemory results, WordProducts? code, UnpackSpaces space)
    {
        _space = space;
        _workers = workers;
        _results = results;
        _code = code;
    }

    /// <summary>Scratch bytes.</summary>
    public static long BytesFor(int workers) => (long)workers * PanelBlock.ResultFloats * sizeof(float);

    /// <summary>Sets the next product and says in how many parts it comes.</summary>
    /// <param name="group">The weights.</param>
    /// <param name="x">Inputs.</param>
    /// <param name="quantized">The inputs as integers, for the parts whose weights are.</param>
    /// <param name="y">Outputs.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="expand">What adds the deltas to y, or null; its inputs are ready.</param>
    /// <param name="withBias">Whether to add the biases; not to what is only a part of a sum.</param>
    public int Prepare(
        LinearGroup group, CpuRows x, QuantizedInputs quantized, CpuRows y, int rows, ExpandJob? expand, bool withBias = true)
    {
        _withBias = withBias;
        _group = group;
        _x = x;
        _quantized = quantized;
        _expand = expand;
        _y = y;
        _rows = rows;
        ChooseUnits();
        if ((group.Inputs & 1) != 0)
        {
            // Kernels take inputs in pairs. The missing one has weight 0; with −0 here its product is −0, which changes no sum.
            for (int row = 0; row < rows; row++)
            {
                x.Row(row)[group.Inputs] = -0f;
            }
        }

        _parts = Math.Min(_units, _workers * PartsPerWorker);
        return _parts;
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        (int first, int end) = Share(_units, part, _parts);
        int firstColumn = int.MaxValue;
        int endColumn = 0;
        for (int unit = first; unit < end; unit++)
        {
            (int index, int local) = Place(unit);
            LinearPart linear = _group.Parts[index];
            var matrix = (CpuMatrix)linear.Weight;
            var block = new PanelBlock
            {
                Matrix = matrix,
                FirstPanel = local * _unitPanels,
                EndPanel = Math.Min(matrix.Panels, (local + 1) * _unitPanels),
                Next = _rows > PanelBlock.LargestRows || matrix.Packing.AsksAhead ? Next(unit, end, part) : null,
                X = _x,
                Quantized = _quantized.For(matrix.Packing),
                Y = _y,
                FirstColumn = _group.Offsets[index],
                Bias = _withBias && linear.Bias is CpuVector bias ? bias.Data : null,
                Rows = _rows,
                Code = _code,
                Result = _results.Floats + (worker * PanelBlock.ResultFloats),
                Space = _space.Of(worker),
                Borders = _group.BordersFor(matrix.Packing.GroupInputs),
            };
            firstColumn = Math.Min(firstColumn, block.FirstColumn + (block.FirstPanel * CpuMatrix.PanelOutputs));
            endColumn = block.FirstColumn + Math.Min(matrix.Outputs, block.EndPanel * CpuMatrix.PanelOutputs);
            matrix.Packing.Multiply(block);
        }

        _expand?.AddColumns(firstColumn, endColumn, worker);
    }

    /// <summary>
    /// The panels that the same thread most likely takes next. Parts are taken from the last to the first, and when this one is done every
    /// other thread has most likely taken one.
    /// </summary>
    private byte* Next(int unit, int end, int part)
    {
        int next = unit + 1;
        if (next == end)
        {
            if (part < _workers)
            {
                return null;
            }

            next = Share(_units, part - _workers, _parts).First;
        }

        (int index, int local) = Place(next);
        return ((CpuMatrix)_group.Parts[index].Weight).Panel(local * _unitPanels);
    }

    /// <summary>Where a unit lies: which part of the group, and which of that part's units.</summary>
    private (int Index, int Local) Place(int unit)
    {
        int index = 0;
        for (int units; unit >= (units = Units((CpuMatrix)_group.Parts[index].Weight, _unitPanels)); index++)
        {
            unit -= units;
        }

        return (index, unit);
    }

    /// <summary>
    /// Chooses the panels of a unit: a multiple of what the kernels for so many rows take at once, such that the thread with the most units
    /// has least to do. For few rows, which memory limits, the smallest; else the largest of those, as every unit reads all activations.
    /// </summary>
    private void ChooseUnits()
    {
        bool few = _rows <= FewRows;
        int atOnce = few ? 4 : 3;
        nint largest = few
            ? atOnce
            : Math.Max(atOnce, (_rows > SomeRows ? UnitBytes : UnitBytesOfSomeRows) / ((CpuMatrix)_group.Parts[0].Weight).PanelBytes);
        int least = int.MaxValue;
        for (int panels = (int)Math.Min(LargestUnitPanels, largest) / atOnce * atOnce; panels > 0; panels -= atOnce)
        {
            int units = 0;
            foreach (LinearPart part in _group.Parts)
            {
                units += Units((CpuMatrix)part.Weight, panels);
            }

            int longest = (units + _workers - 1) / _workers * panels;
            if (longest < least)
            {
                least = longest;
                _unitPanels = panels;
                _units = units;
            }
        }
    }

    private static int Units(CpuMatrix matrix, int unitPanels) => (matrix.Panels + unitPanels - 1) / unitPanels;
}
