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

    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules => [Gate, Up, Down];

    private Split Columns => Split.OfColumns(IntermediateSize);

    private LinearModule Gate => new("mlp.gate_proj", IntermediateSize, HiddenSize, Bias) { Partition = Partition.Outputs(Columns) };

    private LinearModule Up => new("mlp.up_proj", IntermediateSize, HiddenSize, Bias) { Partition = Partition.Outputs(Columns) };

    private LinearModule Down => new("mlp.down_proj", HiddenSize, IntermediateSize, Bias) { Partition = Partition.Inputs(Columns) };

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    private sealed class Running(GatedMlpBlock block, BlockLoader loader) : RunningBlock
    {
        private readonly Activation _activation = block.Activation;
        private readonly LinearGroup _gateUp = loader.Group(block.Gate, block.Up);
        private readonly LinearGroup _down = loader.Group(block.Down);
        private readonly DeviceRows _projected = loader.Rows(block.Columns, block.Columns);
        private readonly DeviceRows _gated = loader.Rows(block.Columns);

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            backend.Linear(_gateUp, x, _projected);
            backend.Gate(_activation, _projected, _gated);
            backend.Linear(_down, _gated, y);
        }
    }
}
