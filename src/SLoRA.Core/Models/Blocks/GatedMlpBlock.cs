using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>A gated feed-forward block: <c>down(activation(gate(x)) ∘ up(x))</c>.</summary>
internal sealed record GatedMlpBlock : Block
{
    /// <summary>Width of the residual stream, D.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Outputs of gate and up, inputs of down.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>What is applied to the gate.</summary>
    public required Activation Activation { get; init; }

    /// <summary>Whether gate, up and down have biases.</summary>
    public bool Bias { get; init; }

    /// <summary>What gates are multiplied by before the function is applied.</summary>
    public float GateMultiplier { get; init; } = 1;

    /// <summary>What the checkpoint calls it within its layer.</summary>
    public string Name { get; init; } = "mlp";

    /// <summary>What the checkpoint calls its projections.</summary>
    public (string Gate, string Up, string Down) PartNames { get; init; } = ("gate_proj", "up_proj", "down_proj");

    /// <summary>What the checkpoint calls the one module of the gate, then up; null where there are two.</summary>
    public string? FusedName { get; init; }

    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules => [.. GateUp, Down];

    private Split Columns => Split.OfColumns(IntermediateSize);

    private LinearModule[] GateUp => FusedName is { } fused
        ? [new($"{Name}.{fused}", 2 * IntermediateSize, HiddenSize, Bias) { Partition = Partition.Outputs(Columns, Columns) }]
        : [Part(PartNames.Gate), Part(PartNames.Up)];

    private LinearModule Down =>
        new($"{Name}.{PartNames.Down}", HiddenSize, IntermediateSize, Bias) { Partition = Partition.Inputs(Columns) };

    private LinearModule Part(string part) =>
        new($"{Name}.{part}", IntermediateSize, HiddenSize, Bias) { Partition = Partition.Outputs(Columns) };

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    private sealed class Running(GatedMlpBlock block, BlockLoader loader) : RunningBlock
    {
        private readonly Activation _activation = block.Activation;
        private readonly float _gateMultiplier = block.GateMultiplier;
        private readonly LinearGroup _gateUp = loader.Group(block.GateUp);
        private readonly LinearGroup _down = loader.Group(block.Down);
        private readonly DeviceRows _projected = loader.Rows(block.Columns, block.Columns);
        private readonly DeviceRows _gated = loader.Rows(block.Columns);

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            backend.Linear(_gateUp, x, _projected);
            if (_gateMultiplier != 1)
            {
                backend.Apply(ElementFunction.Scale(_gateMultiplier), _projected, 0, _gated.Width);
            }

            backend.Gate(_activation, _projected, _gated);
            backend.Linear(_down, _gated, y);
        }
    }
}
