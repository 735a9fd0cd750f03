using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// A gated short convolution: <c>out(c ∘ convolve(b ∘ u))</c>, where b, c and u are the thirds of <c>in(x)</c>. It keeps the last inputs of
/// the convolution.
/// </summary>
internal sealed record ShortConvolutionBlock : Block
{
    /// <summary>Width of the residual stream, D, and channels.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Inputs that an output of the convolution sees, its own included.</summary>
    public required int Kernel { get; init; }

    /// <summary>Whether both projections and the convolution have biases.</summary>
    public bool Bias { get; init; }

    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules => [In, Convolution, Out];

    /// <inheritdoc/>
    public override KeptState Keeps =>
        Kernel > 1 ? new KeptState(null, new StateShape(Kernel - 1, HiddenSize) { Cut = Channels }) : default;

    private Split Channels => Split.OfColumns(HiddenSize);

    private LinearModule In => new("conv.in_proj", 3 * HiddenSize, HiddenSize, Bias)
    {
        Partition = Partition.Outputs(Channels, Channels, Channels),
    };

    private ConvolutionModule Convolution =>
        new("conv.conv", HiddenSize, Kernel, Bias) { Partition = Partition.Outputs(Channels) };

    private LinearModule Out => new("conv.out_proj", HiddenSize, HiddenSize, Bias) { Partition = Partition.Inputs(Channels) };

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    private sealed class Running(ShortConvolutionBlock block, BlockLoader loader) : RunningBlock
    {
        private readonly int _width = block.HiddenSize;
        private readonly int _state = loader.FirstState;
        private readonly LinearGroup _in = loader.Group(block.In);
        private readonly LinearGroup _out = loader.Group(block.Out);
        private readonly ShortConvolution _convolution = loader.Convolution(block.Convolution);
        private readonly DeviceRows _projected = loader.Rows(block.Channels, block.Channels, block.Channels);
        private readonly DeviceRows _convolved = loader.Rows(block.Channels);

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            backend.Linear(_in, x, _projected);
            backend.Multiply(_projected, 2 * _width, _projected, 0, _width);
            backend.Convolve(_projected, 2 * _width, _convolution, _state, _convolved);
            backend.Multiply(_convolved, 0, _projected, _width, _width);
            backend.Linear(_out, _convolved, y);
        }
    }
}
