using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// A block whose input is multiplied by a number: <c>block(multiplier · x)</c>. Folding the number into what its products give would
/// multiply their biases too, those that adapters bring among them.
/// </summary>
/// <param name="HiddenSize">Width of the residual stream, D.</param>
/// <param name="Multiplier">The number.</param>
/// <param name="Block">The block.</param>
internal sealed record ScaledInputBlock(int HiddenSize, float Multiplier, Block Block) : Block
{
    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules => Block.Modules;

    /// <inheritdoc/>
    public override KeptState Keeps => Block.Keeps;

    /// <inheritdoc/>
    public override GroupedAttention? Attention => Block.Attention;

    /// <inheritdoc/>
    public override RopeLengths? RopeLengths => Block.RopeLengths;

    /// <inheritdoc/>
    public override bool IsRecurrent => Block.IsRecurrent;

    /// <summary>The block itself where the number is 1.</summary>
    public static Block Of(int hiddenSize, float multiplier, Block block) =>
        multiplier == 1 ? block : new ScaledInputBlock(hiddenSize, multiplier, block);

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    private sealed class Running(ScaledInputBlock block, BlockLoader loader) : RunningBlock
    {
        private readonly ElementFunction _scale = ElementFunction.Scale(block.Multiplier);
        private readonly ImmutableArray<ColumnRun> _all = [ColumnRun.Of(0, 0, block.HiddenSize)];
        private readonly DeviceRows _scaled = loader.Rows(block.HiddenSize);
        private readonly RunningBlock _block = block.Block.Load(loader);

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            backend.Regroup(x, _all, _scaled);
            backend.Apply(_scale, _scaled, 0, _scaled.Width);
            _block.Run(backend, _scaled, y);
        }
    }
}
