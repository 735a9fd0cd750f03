using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// Mamba-2: <c>out(gate(scan(silu(convolve(x')), dt), z))</c>, where z, x' (values, keys, queries) and dt are the parts of <c>in(x)</c>. It
/// keeps a matrix for each head and the last inputs of the convolution.
/// </summary>
internal sealed record MambaBlock : Block
{
    /// <summary>What the checkpoint calls it within its layer.</summary>
    public string Name { get; init; } = "mamba";

    /// <summary>Width of the residual stream, D.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Columns of a head.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Columns of a key: rows of a state.</summary>
    public required int StateDim { get; init; }

    /// <summary>Groups of heads that share key and query; the result is normed over the same groups.</summary>
    public required int Groups { get; init; }

    /// <summary>Inputs that an output of the convolution sees, its own included.</summary>
    public required int Kernel { get; init; }

    /// <summary>Whether the convolution has a bias.</summary>
    public bool ConvolutionBias { get; init; }

    /// <summary>Whether the first projection has a bias.</summary>
    public bool InputBias { get; init; }

    /// <summary>Whether the last projection has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <summary>ε of the norm of what the scan gives; null for no norm.</summary>
    public float? NormEpsilon { get; init; }

    /// <summary>Whether the gate comes behind the norm.</summary>
    public bool GatesBehindNorm { get; init; }

    /// <summary>What the parts of the first projection are multiplied by, those that adapters add included.</summary>
    public MambaMultipliers Multipliers { get; init; } = new();

    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules
    {
        get
        {
            ImmutableArray<Module> modules = [In, Convolution, Rate, StepBias, Skip, Out];
            return NormEpsilon is null ? modules : modules.Add(Norm);
        }
    }

    /// <inheritdoc/>
    public override KeptState Keeps => new(null, Shape.State, new StateShape(Kernel - 1, Mixed));

    /// <inheritdoc/>
    public override bool IsRecurrent => true;

    private int Width => Heads * HeadDim;

    /// <summary>Columns of values, keys and queries.</summary>
    private int Mixed => Width + (2 * Groups * StateDim);

    private LinearModule In => new($"{Name}.in_proj", Width + Mixed + Heads, HiddenSize, InputBias);

    private ConvolutionModule Convolution => new($"{Name}.conv1d", Mixed, Kernel, ConvolutionBias);

    private VectorModule Rate => new($"{Name}.A_log", Heads);

    private VectorModule StepBias => new($"{Name}.dt_bias", Heads);

    private VectorModule Skip => new($"{Name}.D", Heads);

    private VectorModule Norm => new($"{Name}.norm.weight", Width);

    private LinearModule Out => new($"{Name}.out_proj", HiddenSize, Width, OutputBias);

    private Recurrence Shape => new()
    {
        Heads = Heads,
        Groups = Groups,
        KeyColumns = StateDim,
        ValueColumns = HeadDim,
        FirstValue = 0,
        FirstKey = Width,
        FirstQuery = Width + (Groups * StateDim),
        FirstStep = Width + Mixed,
        StepScale = Multipliers.Step,
    };

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    /// <summary>A channel's factor, which the weights of the convolution take over: it is linear in its inputs.</summary>
    private float ChannelMultiplier(int channel) => channel < Width ? Multipliers.Value
        : channel < Width + (Groups * StateDim) ? Multipliers.Key
        : Multipliers.Query;

    private sealed class Running : RunningBlock
    {
        private static readonly ElementFunction Silu = ElementFunction.Of(Activation.Silu);

        private readonly MambaBlock _block;
        private readonly int _matrices;
        private readonly LinearGroup _in;
        private readonly LinearGroup _out;
        private readonly ShortConvolution _convolution;
        private readonly LoadedRecurrence _recurrence;
        private readonly DeviceVector? _norm;
        private readonly DeviceRows _projected;
        private readonly DeviceRows _mixed;
        private readonly DeviceRows _given;

        public Running(MambaBlock block, BlockLoader loader)
        {
            _block = block;
            _matrices = loader.FirstState;
            _in = loader.Group(block.In);
            _out = loader.Group(block.Out);
            _convolution = loader.Convolution(block.Convolution, block.ChannelMultiplier);
            _recurrence = loader.Recurrence(block.Shape, block.Rate, block.StepBias, block.Skip);
            _norm = block.NormEpsilon is null ? null : loader.Vector(block.Norm);
            _projected = loader.Rows(block.Width + block.Mixed + block.Heads);
            _mixed = loader.Rows(block.Mixed);
            _given = loader.Rows(block.Width);
        }

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            backend.Linear(_in, x, _projected);
            backend.Convolve(_projected, _block.Width, _convolution, _matrices + 1, _mixed);
            backend.Apply(Silu, _mixed, 0, _mixed.Width);
            backend.Recur(_mixed, _projected, _recurrence, _matrices, _given);
            if (_block.Multipliers.Gate != 1)
            {
                backend.Apply(ElementFunction.Scale(_block.Multipliers.Gate), _projected, 0, _block.Width);
            }

            if (_norm is null)
            {
                backend.Apply(Silu, _projected, 0, _block.Width);
                backend.Multiply(_given, 0, _projected, 0, _block.Width);
            }
            else
            {
                backend.NormGated(
                    _given, _block.Groups, _norm, _block.NormEpsilon!.Value, _projected, 0, gatesFirst: !_block.GatesBehindNorm);
            }

            backend.Linear(_out, _given, y);
        }
    }
}

/// <summary>What the parts of the first projection of Mamba-2 are multiplied by.</summary>
/// <param name="Gate">The gate, z.</param>
/// <param name="Value">The values, x.</param>
/// <param name="Key">The keys, B.</param>
/// <param name="Query">The queries, C.</param>
/// <param name="Step">The steps, dt.</param>
internal sealed record MambaMultipliers(float Gate = 1, float Value = 1, float Key = 1, float Query = 1, float Step = 1);
