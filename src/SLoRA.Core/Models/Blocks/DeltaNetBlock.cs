using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// A gated delta net: <c>out(norm(recur(silu(convolve(qkv(x))), a(x), b(x))) ∘ silu(z(x)))</c>. It keeps a matrix for each value head and
/// the last inputs of the convolution.
/// </summary>
internal sealed record DeltaNetBlock : Block
{
    private const string Name = "linear_attn";

    /// <summary>Width of the residual stream, D.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Key heads; each serves as many consecutive value heads.</summary>
    public required int KeyHeads { get; init; }

    /// <summary>Columns of a key.</summary>
    public required int KeyDim { get; init; }

    /// <summary>Value heads.</summary>
    public required int ValueHeads { get; init; }

    /// <summary>Columns of a value.</summary>
    public required int ValueDim { get; init; }

    /// <summary>Inputs that an output of the convolution sees, its own included.</summary>
    public required int Kernel { get; init; }

    /// <summary>ε of the norm of what the recurrence gives.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>
    /// Whether there are two projections whose rows go by key head, <c>in_proj_qkvz</c> and <c>in_proj_ba</c>, instead of four.
    /// </summary>
    public bool IsGrouped { get; init; }

    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules => [.. In, .. Steps, Convolution, Rate, Bias, Norm, Out];

    /// <inheritdoc/>
    public override KeptState Keeps => new(null, Shape.State, new StateShape(Kernel - 1, Mixed));

    /// <inheritdoc/>
    public override bool IsRecurrent => true;

    private int Keys => KeyHeads * KeyDim;

    private int Values => ValueHeads * ValueDim;

    /// <summary>Columns of queries, keys and values.</summary>
    private int Mixed => (2 * Keys) + Values;

    /// <summary>To queries, keys, values, and z behind them.</summary>
    private LinearModule[] In => IsGrouped
        ? [new($"{Name}.in_proj_qkvz", Mixed + Values, HiddenSize)]
        : [new($"{Name}.in_proj_qkv", Mixed, HiddenSize), new($"{Name}.in_proj_z", Values, HiddenSize)];

    /// <summary>To b, and a behind it.</summary>
    private LinearModule[] Steps => IsGrouped
        ? [new($"{Name}.in_proj_ba", 2 * ValueHeads, HiddenSize)]
        : [new($"{Name}.in_proj_b", ValueHeads, HiddenSize), new($"{Name}.in_proj_a", ValueHeads, HiddenSize)];

    private ConvolutionModule Convolution => new($"{Name}.conv1d", Mixed, Kernel, HasBias: false);

    private VectorModule Rate => new($"{Name}.A_log", ValueHeads);

    private VectorModule Bias => new($"{Name}.dt_bias", ValueHeads);

    private VectorModule Norm => new($"{Name}.norm.weight", ValueDim);

    private LinearModule Out => new($"{Name}.out_proj", HiddenSize, Values);

    private Recurrence Shape => new()
    {
        Heads = ValueHeads,
        Groups = KeyHeads,
        KeyColumns = KeyDim,
        ValueColumns = ValueDim,
        FirstQuery = 0,
        FirstKey = Keys,
        FirstValue = 2 * Keys,
        FirstStrength = 0,
        FirstStep = ValueHeads,
    };

    /// <summary>From rows that go by key head to queries, keys, values and z of all heads.</summary>
    private ImmutableArray<ColumnRun> RunsOfIn
    {
        get
        {
            int own = ValueHeads / KeyHeads * ValueDim, stride = 2 * (KeyDim + own);
            return
            [
                new(0, stride, 0, KeyDim, KeyDim, KeyHeads),
                new(KeyDim, stride, Keys, KeyDim, KeyDim, KeyHeads),
                new(2 * KeyDim, stride, 2 * Keys, own, own, KeyHeads),
                new((2 * KeyDim) + own, stride, Mixed, own, own, KeyHeads),
            ];
        }
    }

    /// <summary>The same to b and a of all heads.</summary>
    private ImmutableArray<ColumnRun> RunsOfSteps
    {
        get
        {
            int shared = ValueHeads / KeyHeads;
            return
            [
                new(0, 2 * shared, 0, shared, shared, KeyHeads),
                new(shared, 2 * shared, ValueHeads, shared, shared, KeyHeads),
            ];
        }
    }

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    private sealed class Running : RunningBlock
    {
        private static readonly ElementFunction Silu = ElementFunction.Of(Activation.Silu);

        private readonly DeltaNetBlock _block;
        private readonly int _matrices;
        private readonly int _gateColumn;
        private readonly GroupedRows? _byKeyHead;
        private readonly LinearGroup _in;
        private readonly LinearGroup _steps;
        private readonly LinearGroup _out;
        private readonly ShortConvolution _convolution;
        private readonly LoadedRecurrence _recurrence;
        private readonly DeviceVector _norm;
        private readonly DeviceRows _projected;
        private readonly DeviceRows _stepRows;
        private readonly DeviceRows _mixed;
        private readonly DeviceRows _given;

        public Running(DeltaNetBlock block, BlockLoader loader)
        {
            _block = block;
            _matrices = loader.FirstState;
            _gateColumn = block.Mixed;
            _in = loader.Group(block.In);
            _steps = loader.Group(block.Steps);
            _out = loader.Group(block.Out);
            _convolution = loader.Convolution(block.Convolution);
            _recurrence = loader.Recurrence(block.Shape, block.Rate, block.Bias, skip: null);
            _norm = loader.Vector(block.Norm);
            _projected = loader.Rows(block.Mixed + block.Values);
            _stepRows = loader.Rows(2 * block.ValueHeads);
            _byKeyHead = block.IsGrouped
                ? new GroupedRows(
                    loader.Rows(_projected.Width), block.RunsOfIn, loader.Rows(_stepRows.Width), block.RunsOfSteps)
                : null;
            _mixed = loader.Rows(block.Mixed);
            _given = loader.Rows(block.Values);
        }

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            backend.Linear(_in, x, _byKeyHead?.In ?? _projected);
            backend.Linear(_steps, x, _byKeyHead?.Steps ?? _stepRows);
            if (_byKeyHead is not null)
            {
                backend.Regroup(_byKeyHead.In, _byKeyHead.RunsOfIn, _projected);
                backend.Regroup(_byKeyHead.Steps, _byKeyHead.RunsOfSteps, _stepRows);
            }

            backend.Convolve(_projected, 0, _convolution, _matrices + 1, _mixed);
            backend.Apply(Silu, _mixed, 0, _mixed.Width);
            backend.Recur(_mixed, _stepRows, _recurrence, _matrices, _given);
            backend.NormGated(_given, _block.ValueHeads, _norm, _block.NormEpsilon, _projected, _gateColumn, gatesFirst: false);
            backend.Linear(_out, _given, y);
        }

        /// <summary>What projections give whose rows go by key head, and how that becomes what it is without.</summary>
        private sealed record GroupedRows(
            DeviceRows In, ImmutableArray<ColumnRun> RunsOfIn, DeviceRows Steps, ImmutableArray<ColumnRun> RunsOfSteps);
    }
}
