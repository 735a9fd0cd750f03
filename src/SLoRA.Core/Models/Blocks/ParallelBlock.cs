using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>Blocks side by side: the sum of what they make of the same input. At most one of them attends.</summary>
/// <param name="HiddenSize">Width of the residual stream, D.</param>
/// <param name="Blocks">The blocks, at least one.</param>
internal sealed record ParallelBlock(int HiddenSize, params ImmutableArray<Block> Blocks) : Block
{
    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules => [.. Blocks.SelectMany(block => block.Modules)];

    /// <inheritdoc/>
    public override KeptState Keeps =>
        new(Blocks.Select(block => block.Keeps.PerToken).SingleOrDefault(kept => kept is not null),
            [.. Blocks.SelectMany(block => block.Keeps.PerSequence)]);

    /// <inheritdoc/>
    public override GroupedAttention? Attention => Blocks.Select(block => block.Attention).SingleOrDefault(shape => shape is not null);

    /// <inheritdoc/>
    public override RopeLengths? RopeLengths => Blocks.Select(block => block.RopeLengths).FirstOrDefault(lengths => lengths is not null);

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    private sealed class Running : RunningBlock
    {
        private readonly ImmutableArray<RunningBlock> _blocks;
        private readonly DeviceRows _addend;

        public Running(ParallelBlock block, BlockLoader loader)
        {
            _addend = loader.Rows(block.HiddenSize);
            _blocks = [.. block.Blocks.Select(inner => inner.Load(loader))];
        }

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            _blocks[0].Run(backend, x, y);
            for (int i = 1; i < _blocks.Length; i++)
            {
                _blocks[i].Run(backend, x, _addend);
                backend.Add(y, _addend);
            }
        }
    }
}
