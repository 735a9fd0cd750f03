using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// Blocks side by side: the sum of what they make of the same input, each with the norms and the multiplier that it has. At most one of
/// them attends, and at most one keeps states.
/// </summary>
/// <param name="HiddenSize">Width of the residual stream, D.</param>
/// <param name="Branches">The blocks, at least one.</param>
internal sealed record ParallelBlock(int HiddenSize, params ImmutableArray<Branch> Branches) : Block
{
    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules => [.. Branches.SelectMany(branch => branch.Modules)];

    /// <inheritdoc/>
    public override KeptState Keeps =>
        new(Blocks.Select(block => block.Keeps.PerToken).SingleOrDefault(kept => kept is not null),
            [.. Blocks.SelectMany(block => block.Keeps.PerSequence)]);

    /// <inheritdoc/>
    public override GroupedAttention? Attention => Blocks.Select(block => block.Attention).SingleOrDefault(shape => shape is not null);

    /// <inheritdoc/>
    public override RopeLengths? RopeLengths => Blocks.Select(block => block.RopeLengths).FirstOrDefault(lengths => lengths is not null);

    /// <inheritdoc/>
    public override bool IsRecurrent => Blocks.Any(block => block.IsRecurrent);

    private IEnumerable<Block> Blocks => Branches.Select(branch => branch.Block);

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    private sealed class Running : RunningBlock
    {
        private readonly ImmutableArray<LoadedBranch> _branches;
        private readonly DeviceRows? _normed;
        private readonly DeviceRows _addend;

        public Running(ParallelBlock block, BlockLoader loader)
        {
            _addend = loader.Rows(block.HiddenSize);
            _normed = block.Branches.Any(branch => branch.Norm is not null) ? loader.Rows(block.HiddenSize) : null;
            _branches = [.. block.Branches.Select(branch => new LoadedBranch(
                Norm(branch.Norm), branch.Block.Load(loader), Norm(branch.NormBehind), branch.Multiplier, FactorBehind: 1))];

            LoadedNorm? Norm(NormModule? module) => module is null ? null : loader.Norm(module);
        }

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            for (int i = 0; i < _branches.Length; i++)
            {
                LoadedBranch branch = _branches[i];
                DeviceRows given = i == 0 ? y : _addend;
                branch.Norm?.Run(backend, x, _normed!);
                branch.Block.Run(backend, branch.Norm is null ? x : _normed!, given);
                branch.NormBehind?.Run(backend, given, given);
                if (branch.Multiplier != 1)
                {
                    backend.Apply(ElementFunction.Scale(branch.Multiplier), given, 0, given.Width);
                }

                if (i > 0)
                {
                    backend.Add(y, given);
                }
            }
        }
    }
}
