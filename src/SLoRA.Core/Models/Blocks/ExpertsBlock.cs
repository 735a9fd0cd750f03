using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// A mixture of experts: a router chooses k of E gated feed-forward blocks for each row,
/// <c>y = Σ weight · down_e(f(gate_e(x)) ∘ up_e(x))</c>, and a shared one may be added that all rows go through. Every expert computes the
/// rows that have chosen it and no others.
/// </summary>
internal sealed record ExpertsBlock : Block
{
    /// <summary>Width of the residual stream, D.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>How rows choose.</summary>
    public required Routing Routing { get; init; }

    /// <summary>Logits of the experts.</summary>
    public required LinearModule Router { get; init; }

    /// <summary>What is added to scores where experts are chosen; null for nothing.</summary>
    public VectorModule? Correction { get; init; }

    /// <summary>What the weight of every expert is multiplied by in the end; null for nothing.</summary>
    public VectorModule? Factors { get; init; }

    /// <summary>
    /// What the router's input is multiplied by, of a block that gets the residual stream and norms it for the experts itself: the router
    /// reads it normed without weights, times this and <c>1/√D</c>. Null where the router reads what the experts read.
    /// </summary>
    public VectorModule? RouterScale { get; init; }

    /// <summary>ε of the norm of the router's input, where that is normed by itself.</summary>
    public float NormEpsilon { get; init; }

    /// <summary>The norm of what experts read; null if the block gets it normed.</summary>
    public NormModule? InputNorm { get; init; }

    /// <summary>Gate and up of every expert, side by side; up alone where there is no gate.</summary>
    public required ExpertModule GateUp { get; init; }

    /// <summary>Back to the residual stream, of every expert.</summary>
    public required ExpertModule Down { get; init; }

    /// <summary>What is applied to up where there is no gate; null where there is one.</summary>
    public ElementFunction? Function { get; init; }

    /// <summary>What is applied to the gates.</summary>
    public Activation Activation { get; init; }

    /// <summary>The gate of experts whose columns are gate and up in turn; null where gates lie before ups.</summary>
    public ClampedGate? ClampedGate { get; init; }

    /// <summary>
    /// The products into and out of a latent on which experts work, and no shared one; null where they work on the residual stream.
    /// </summary>
    public (LinearModule Into, LinearModule OutOf)? Latent { get; init; }

    /// <summary>What all rows go through; null for nothing.</summary>
    public Block? Shared { get; init; }

    /// <summary>The product whose sigmoid the shared block's result is multiplied by; null for none.</summary>
    public LinearModule? SharedGate { get; init; }

    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules
    {
        get
        {
            ImmutableArray<Module> modules = [Router, GateUp, Down];
            modules =
            [
                .. modules,
                .. ((Module?[])[Correction, Factors, RouterScale, InputNorm, Latent?.Into, Latent?.OutOf]).OfType<Module>(),
            ];
            modules = Shared is null ? modules : modules.AddRange(Shared.Modules);
            return SharedGate is null ? modules : modules.Add(SharedGate);
        }
    }

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    private sealed class Running : RunningBlock
    {
        private readonly Routing _routing;
        private readonly Activation _activation;
        private readonly ClampedGate? _clampedGate;
        private readonly ElementFunction? _function;
        private readonly DeviceVector? _factors;
        private readonly DeviceVector? _routerScale;
        private readonly float _epsilon;
        private readonly LoadedNorm? _inputNorm;
        private readonly DeviceRows? _normed;
        private readonly LinearGroup _router;
        private readonly DeviceVector? _correction;
        private readonly LinearGroup? _intoLatent;
        private readonly LinearGroup? _outOfLatent;
        private readonly DeviceRows? _latent;
        private readonly ExpertLinear _gateUp;
        private readonly ExpertLinear _down;
        private readonly RunningBlock? _shared;
        private readonly LinearGroup? _sharedGate;
        private readonly DeviceRoutes _routes;
        private readonly DeviceRows _logits;
        private readonly DeviceRows _spread;
        private readonly DeviceRows _projected;
        private readonly DeviceRows _gated;
        private readonly DeviceRows _given;
        private readonly DeviceRows? _sharedGiven;
        private readonly DeviceRows? _sharedWeight;

        public Running(ExpertsBlock block, BlockLoader loader)
        {
            _routing = block.Routing;
            _activation = block.Activation;
            _clampedGate = block.ClampedGate;
            _router = loader.Group(block.Router);
            _correction = block.Correction is { } correction ? loader.Vector(correction) : null;
            _factors = block.Factors is { } factors ? loader.Vector(factors) : null;
            _function = block.Function;
            if (block.RouterScale is { } scale)
            {
                _routerScale = loader.Vector(scale, value => value / MathF.Sqrt(block.HiddenSize));
                _epsilon = block.NormEpsilon;
            }

            if (block.InputNorm is { } norm)
            {
                _inputNorm = loader.Norm(norm);
                _normed = loader.Rows(block.HiddenSize);
            }

            _gateUp = loader.Experts(block.GateUp);
            _down = loader.Experts(block.Down);
            _routes = loader.Routes(block.Routing);
            _logits = loader.Rows(block.Routing.Experts);
            if (block.Latent is { } latent)
            {
                _intoLatent = loader.Group(latent.Into);
                _outOfLatent = loader.Group(latent.OutOf);
                _latent = loader.Rows(latent.Into.Outputs);
            }

            _spread = loader.RoutedRows(_routes, block.GateUp.Inputs);
            _projected = loader.RoutedRows(_routes, block.GateUp.Outputs);
            _gated = block.Function is null ? loader.RoutedRows(_routes, block.Down.Inputs) : _projected;
            _given = loader.RoutedRows(_routes, block.Down.Outputs);
            if (block.Shared is { } shared)
            {
                _shared = shared.Load(loader);
                _sharedGiven = loader.Rows(block.HiddenSize);
            }

            if (block.SharedGate is { } gate)
            {
                _sharedGate = loader.Group(gate);
                _sharedWeight = loader.Rows(1);
            }
        }

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            DeviceRows read = Choose(backend, x);
            if (_intoLatent is not null)
            {
                backend.Linear(_intoLatent, read, _latent!);
            }

            backend.Spread(_latent ?? read, _routes, _routing.WeighsInputs, _spread);
            backend.LinearOfExperts(_gateUp, _spread, _routes, _projected);
            Activate(backend);
            backend.LinearOfExperts(_down, _gated, _routes, _given);
            backend.Combine(_given, _routes, !_routing.WeighsInputs, _latent ?? y);
            if (_outOfLatent is not null)
            {
                backend.Linear(_outOfLatent, _latent!, y);
            }

            if (_shared is not null)
            {
                AddShared(backend, read, y);
            }
        }

        /// <summary>Chooses the experts, and gives what they read.</summary>
        private DeviceRows Choose(IBackend backend, DeviceRows x)
        {
            if (_routerScale is not null)
            {
                backend.Norm(x, _routerScale, _epsilon, _normed!);
            }

            backend.Linear(_router, _routerScale is null ? x : _normed!, _logits);
            backend.Route(_logits, _routing, _correction, _factors, _routes);
            if (_inputNorm is null)
            {
                return x;
            }

            _inputNorm.Run(backend, x, _normed!);
            return _normed!;
        }

        /// <summary>Between the products: the gate, or, without one, the function in place.</summary>
        private void Activate(IBackend backend)
        {
            if (_function is { } function)
            {
                backend.Apply(function, _gated, 0, _gated.Width);
            }
            else if (_clampedGate is null)
            {
                backend.Gate(_activation, _projected, _gated);
            }
            else
            {
                backend.GateClamped(_clampedGate, _projected, _gated);
            }
        }

        private void AddShared(IBackend backend, DeviceRows x, DeviceRows y)
        {
            _shared!.Run(backend, x, _sharedGiven!);
            if (_sharedGate is null)
            {
                backend.Add(y, _sharedGiven!);
                return;
            }

            backend.Linear(_sharedGate, x, _sharedWeight!);
            backend.AddGated(y, _sharedWeight!, _sharedGiven!);
        }
    }
}
