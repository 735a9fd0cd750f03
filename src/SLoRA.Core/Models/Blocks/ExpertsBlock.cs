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

    /// <summary>Gate and up of every expert, side by side.</summary>
    public required ExpertModule GateUp { get; init; }

    /// <summary>Back to the residual stream, of every expert.</summary>
    public required ExpertModule Down { get; init; }

    /// <summary>What is applied to the gates.</summary>
    public Activation Activation { get; init; }

    /// <summary>The gate of experts whose columns are gate and up in turn; null where gates lie before ups.</summary>
    public ClampedGate? ClampedGate { get; init; }

    /// <summary>What all rows go through; null for nothing.</summary>
    public GatedMlpBlock? Shared { get; init; }

    /// <summary>The product whose sigmoid the shared block's result is multiplied by; null for none.</summary>
    public LinearModule? SharedGate { get; init; }

    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules
    {
        get
        {
            ImmutableArray<Module> modules = [Router, GateUp, Down];
            modules = Correction is null ? modules : modules.Add(Correction);
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
        private readonly LinearGroup _router;
        private readonly DeviceVector? _correction;
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
            _gateUp = loader.Experts(block.GateUp);
            _down = loader.Experts(block.Down);
            _routes = loader.Routes(block.Routing);
            _logits = loader.Rows(block.Routing.Experts);
            _spread = loader.RoutedRows(_routes, block.HiddenSize);
            _projected = loader.RoutedRows(_routes, block.GateUp.Outputs);
            _gated = loader.RoutedRows(_routes, block.Down.Inputs);
            _given = loader.RoutedRows(_routes, block.HiddenSize);
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
            backend.Linear(_router, x, _logits);
            backend.Route(_logits, _routing, _correction, _routes);
            backend.Spread(x, _routes, _routing.WeighsInputs, _spread);
            backend.LinearOfExperts(_gateUp, _spread, _routes, _projected);
            if (_clampedGate is null)
            {
                backend.Gate(_activation, _projected, _gated);
            }
            else
            {
                backend.GateClamped(_clampedGate, _projected, _gated);
            }

            backend.LinearOfExperts(_down, _gated, _routes, _given);
            backend.Combine(_given, _routes, !_routing.WeighsInputs, y);
            if (_shared is not null)
            {
                AddShared(backend, x, y);
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
