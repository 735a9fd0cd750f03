using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>What a layer makes of its own input P: <c>projection(activation(gate(x)) ∘ P[layer])</c>.</summary>
internal sealed record PerLayerInputBlock : Block
{
    /// <summary>Width of the residual stream, D.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Columns of a layer's input, p.</summary>
    public required int Width { get; init; }

    /// <summary>Which layer it is.</summary>
    public required int Layer { get; init; }

    /// <summary>What is applied to the gate.</summary>
    public required Activation Activation { get; init; }

    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules => [Gate, Projection];

    private LinearModule Gate => new("per_layer_input_gate", Width, HiddenSize);

    private LinearModule Projection => new("per_layer_projection", HiddenSize, Width);

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    private sealed class Running(PerLayerInputBlock block, BlockLoader loader) : RunningBlock
    {
        private readonly ElementFunction _activation = ElementFunction.Of(block.Activation);
        private readonly int _width = block.Width;
        private readonly int _firstColumn = block.Layer * block.Width;
        private readonly LinearGroup _gate = loader.Group(block.Gate);
        private readonly LinearGroup _projection = loader.Group(block.Projection);
        private readonly DeviceRows _inputs = loader.PerLayerInputs;
        private readonly DeviceRows _gated = loader.Rows(block.Width);

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            backend.Linear(_gate, x, _gated);
            backend.Apply(_activation, _gated, 0, _width);
            backend.Multiply(_gated, 0, _inputs, _firstColumn, _width);
            backend.Linear(_projection, _gated, y);
        }
    }
}
