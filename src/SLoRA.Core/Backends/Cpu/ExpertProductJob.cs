using System.Collections.Immutable;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>y[p] = x[p] W_eᵀ + b_e</c> for the routed rows p of every expert e. Threads share out panels of experts that have rows; a thread
/// takes all rows of an expert through a few of its panels, so the weights of chosen experts are read from memory once per step and those
/// of others not at all.
/// </summary>
/// <param name="workers">Threads that run it.</param>
/// <param name="results">Scratch of at least <see cref="ProductJob.BytesFor"/> bytes.</param>
/// <param name="code">Machine code for products with int8 weights; null for the kernels in C#.</param>
/// <param name="space">Where packed weights are unpacked.</param>
internal sealed unsafe class ExpertProductJob(int workers, AlignedMemory results, WordProducts? code, UnpackSpaces space) : ComputeJob
{
    // As in ProductJob: panels that stay in the cache from one block of rows to the next.
    private const int LargestUnitPanels = 12;
    private const int UnitBytes = 400 << 10;
    private const int FewRows = 4;
    private const int PartsPerWorker = 32;

    private (int Expert, int FirstPanel)[] _units = new (int, int)[64];
    private int _unitCount;
    private int _unitPanels;
    private int _parts;
    private CpuExperts _experts = null!;
    private CpuVector? _bias;
    private ImmutableArray<int> _borders;
    private CpuRoutes _routes = null!;
    private CpuRows _x = null!;
    private CpuRows _y = null!;
    private QuantizedInputs _quantized = null!;

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
        _parts = Math.Min(_unitCount, workers * PartsPerWorker);
        return _parts;
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        (int first, int end) = Share(_unitCount, part, _parts);
        for (int i = first; i < end; i++)
        {
            (int expert, int panel) = _units[i];
            int firstRow = _routes.Starts[expert];
            int index = panel / _experts.Panels;
            int firstPanel = panel % _experts.Panels;
            CpuMatrix matrix = _experts.Matrix(expert, index);
            int firstColumn = index * _experts.PartOutputs;
            matrix.Packing.Multiply(new PanelBlock
            {
                Matrix = matrix,
                FirstPanel = firstPanel,
                EndPanel = Math.Min(matrix.Panels, firstPanel + _unitPanels),
                X = ((RowSpan)_x).From(firstRow),
                Quantized = ((QuantizedSpan)_quantized.For(matrix.Packing)).From(firstRow),
                Y = ((RowSpan)_y).From(firstRow),
                FirstColumn = firstColumn,
                Bias = _bias is null ? null : _bias.Data + ((nint)expert * _experts.Outputs) + firstColumn,
                Rows = _routes.Starts[expert + 1] - firstRow,
                Code = code,
                Borders = _borders,
                Result = results.Floats + (worker * PanelBlock.ResultFloats),
                Space = space.Of(worker),
            });
        }
    }

    /// <summary>
    /// Cuts the panels of experts that have rows into units: the smallest that kernels take at once where memory limits, else as many as
    /// stay in the cache.
    /// </summary>
    private void ChooseUnits()
    {
        int busy = 0;
        ReadOnlySpan<int> starts = _routes.Starts;
        for (int expert = 0; expert < _experts.Experts; expert++)
        {
            busy += starts[expert + 1] > starts[expert] ? 1 : 0;
        }

        bool few = starts[^1] <= busy * FewRows;
        int atOnce = few ? 4 : 3;
        _unitPanels = few ? atOnce
            : (int)Math.Clamp(UnitBytes / _experts.PanelBytes, atOnce, LargestUnitPanels) / atOnce * atOnce;
        _unitCount = 0;
        for (int expert = 0; expert < _experts.Experts; expert++)
        {
            if (starts[expert + 1] == starts[expert])
            {
                continue;
            }

            for (int part = 0; part < _experts.Parts; part++)
            {
                for (int panel = 0; panel < _experts.Panels; panel += _unitPanels)
                {
                    if (_unitCount == _units.Length)
                    {
                        Array.Resize(ref _units, 2 * _units.Length);
                    }

                    _units[_unitCount++] = (expert, (part * _experts.Panels) + panel);
                }
            }
        }
    }
}
