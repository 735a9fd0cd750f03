using System.Collections.Immutable;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>y[p] = x[p] W_eᵀ + b_e</c> for the routed rows p of every expert e. Threads share out panels of experts that have rows; a thread
/// takes all rows of an expert through a few of its panels, so the weights of chosen experts are read from memory once per step and those
/// of others not at all. A thread goes from panel to panel and from expert to expert, so it can ask for what comes next while it computes.
/// </summary>
internal sealed unsafe class ExpertProductJob : ComputeJob
{
    // As in ProductJob: panels that stay in the cache from one block of rows to the next.
    private const int LargestUnitPanels = 12;
    private const int UnitBytes = 400 << 10;
    private const int FewRows = 4;

    private readonly AlignedMemory _results;
    private readonly WordProducts? _code;
    private readonly UnpackSpaces _space;
    private readonly UnitShares _shares;
    private Unit[] _units = new Unit[64];
    private int _unitCount;
    private CpuExperts _experts = null!;
    private CpuVector? _bias;
    private ImmutableArray<int> _borders;
    private CpuRoutes _routes = null!;
    private CpuRows _x = null!;
    private CpuRows _y = null!;
    private QuantizedInputs _quantized = null!;

    /// <summary>Makes the job.</summary>
    /// <param name="workers">Threads that run it.</param>
    /// <param name="results">Scratch of at least <see cref="ProductJob.BytesFor"/> bytes.</param>
    /// <param name="code">Machine code for products with int8 weights; null for the kernels in C#.</param>
    /// <param name="space">Where packed weights are unpacked.</param>
    public ExpertProductJob(int workers, AlignedMemory results, WordProducts? code, UnpackSpaces space)
    {
        _results = results;
        _code = code;
        _space = space;
        _shares = new UnitShares(workers);
    }

    /// <summary>Sets the next product and says in how many parts it comes.</summary>
    public int Prepare(ExpertLinear linear, CpuRows x, QuantizedInputs quantized, CpuRoutes routes, CpuRows y)
    {
        _experts = (CpuExperts)linear.Weights;
        _bias = (CpuVector?)linear.Bias;
        _borders = linear.InputBorders;
        _routes = routes;
        _x = x;
        _y = y;
        _quantized = quantized;
        if ((_experts.Inputs & 1) != 0)
        {
            // Kernels take inputs in pairs; see ProductJob.
            for (int row = 0; row < routes.Starts[^1]; row++)
            {
                x.Row(row)[_experts.Inputs] = -0f;
            }
        }

        ChooseUnits();
        return _shares.Share(_unitCount);
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        while (_shares.Take(part, out int unit, out bool follows))
        {
            Multiply(_units[unit], follows ? _units[unit + 1] : null, worker);
        }
    }

    private void Multiply(in Unit unit, Unit? next, int worker)
    {
        int firstRow = _routes.Starts[unit.Expert];
        CpuMatrix matrix = _experts.Matrix(unit.Expert, unit.Part);
        int firstColumn = unit.Part * _experts.PartOutputs;
        matrix.Packing.Multiply(new PanelBlock
        {
            Matrix = matrix,
            FirstPanel = unit.FirstPanel,
            EndPanel = unit.EndPanel,
            Next = next is { } follower ? _experts.Matrix(follower.Expert, follower.Part).Panel(follower.FirstPanel) : null,
            X = ((RowSpan)_x).From(firstRow),
            Quantized = ((QuantizedSpan)_quantized.For(matrix.Packing)).From(firstRow),
            Y = ((RowSpan)_y).From(firstRow),
            FirstColumn = firstColumn,
            Bias = _bias is null ? null : _bias.Data + ((nint)unit.Expert * _experts.Outputs) + firstColumn,
            Rows = _routes.Starts[unit.Expert + 1] - firstRow,
            Code = _code,
            Borders = _borders,
            Result = _results.Floats + (worker * PanelBlock.ResultFloats),
            Space = _space.Of(worker),
        });
    }

    /// <summary>
    /// Cuts the panels of experts that have rows into units: the smallest that kernels take at once where memory limits, else as many as
    /// stay in the cache.
    /// </summary>
    private void ChooseUnits()
    {
        int largest = (int)Math.Clamp(UnitBytes / _experts.PanelBytes, 3, LargestUnitPanels) / 3 * 3;
        _unitCount = 0;
        for (int expert = 0; expert < _experts.Experts; expert++)
        {
            int rows = _routes.Starts[expert + 1] - _routes.Starts[expert];
            if (rows == 0)
            {
                continue;
            }

            int panels = rows <= FewRows ? 4 : largest;
            for (int part = 0; part < _experts.Parts; part++)
            {
                for (int panel = 0; panel < _experts.Panels; panel += panels)
                {
                    if (_unitCount == _units.Length)
                    {
                        Array.Resize(ref _units, 2 * _units.Length);
                    }

                    _units[_unitCount++] = new Unit(expert, part, panel, Math.Min(_experts.Panels, panel + panels));
                }
            }
        }
    }

    /// <summary>Some panels of an expert's part, with all rows of the expert.</summary>
    private readonly record struct Unit(int Expert, int Part, int FirstPanel, int EndPanel);
}
