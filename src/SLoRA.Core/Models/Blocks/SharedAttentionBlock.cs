using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// Attention of a layer that has queries of its own and reads the finished keys and values of an earlier layer:
/// <c>o(attend(rotate(norm(q(x)))))</c>.
/// </summary>
internal sealed record SharedAttentionBlock : Block
{
    /// <summary>Width of the residual stream, D.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Heads, window and scale; KV heads and head size are those of the other layer.</summary>
    public required GroupedAttention Shape { get; init; }

    /// <summary>The rotation of queries.</summary>
    public required RopeDescription Rope { get; init; }

    /// <summary>The norm of query heads.</summary>
    public required QueryKeyNorm Norm { get; init; }

    /// <summary>Whether both projections have biases.</summary>
    public bool Bias { get; init; }

    /// <summary>The index of the other layer in <see cref="KvLayout.Layers"/>.</summary>
    public required int CacheLayer { get; init; }

    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules => [Query, Output, Norm.Query(Shape)];

    /// <inheritdoc/>
    public override GroupedAttention Attention => Shape;

    /// <inheritdoc/>
    public override RopeLengths? RopeLengths => Rope.Lengths;

    private Split Heads => Split.OfHeads(Shape.Heads, Shape.HeadDim);

    private Split Keys => Split.OfKeys(Shape);

    private LinearModule Query =>
        new("self_attn.q_proj", Shape.QueryColumns, HiddenSize, Bias) { Partition = Partition.Outputs(Heads) };

    private LinearModule Output =>
        new("self_attn.o_proj", HiddenSize, Shape.QueryColumns, Bias) { Partition = Partition.Inputs(Heads) };

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    private sealed class Running(SharedAttentionBlock block, BlockLoader loader) : RunningBlock
    {
        private readonly GroupedAttention _shape = block.Shape;
        private readonly int _layer = block.CacheLayer;
        private readonly LinearGroup _query = loader.Group(block.Query);
        private readonly LinearGroup _output = loader.Group(block.Output);
        private readonly DeviceVector _norm = loader.NormWeight(block.Norm.Query(block.Shape));
        private readonly float _epsilon = block.Norm.Epsilon;
        private readonly DeviceRope _rope = loader.Rope(block.Rope);

        // As wide as where keys and values stand beside queries: attention takes its queries out of such rows.
        private readonly DeviceRows _projected = loader.Rows(block.Heads, block.Keys, block.Keys);
        private readonly DeviceRows _attended = loader.Rows(block.Heads);

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            backend.Linear(_query, x, _projected);
            backend.NormHeads(_projected, 0, _shape.QueryColumns / _norm.Length, _norm, _epsilon);
            backend.Rotate(_projected, 0, _shape.Heads, _shape.HeadDim, _rope);
            backend.Attend(_projected, _layer, _shape, _attended);
            backend.Linear(_output, _attended, y);
        }
    }
}
