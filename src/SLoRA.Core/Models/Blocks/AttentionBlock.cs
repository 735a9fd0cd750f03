using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// Grouped-query attention: <c>o(attend(rotate(norm(q(x))), rotate(norm(k(x))), v(x)))</c>, the norms only if there are any.
/// </summary>
internal sealed record AttentionBlock : Block
{
    /// <summary>Width of the residual stream, D.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Heads, window and scale.</summary>
    public required GroupedAttention Shape { get; init; }

    /// <summary>The rotation of queries and keys. Layers with the same rotation share the object.</summary>
    public required RopeDescription Rope { get; init; }

    /// <summary>
    /// ε of the norm that every query and key head goes through before it is rotated, with weights that the heads share; null for no such
    /// norm.
    /// </summary>
    public float? QueryKeyNormEpsilon { get; init; }

    /// <summary>Whether the projections to queries, keys and values have biases.</summary>
    public bool QkvBias { get; init; }

    /// <summary>Whether the output projection has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules => QueryNorm is { } queryNorm && KeyNorm is { } keyNorm
        ? [Query, Key, Value, Output, queryNorm, keyNorm]
        : [Query, Key, Value, Output];

    /// <inheritdoc/>
    public override KeptState Keeps => new KeyValueShape(Shape.KeyValueHeads, Shape.HeadDim) { Split = Split.OfKeys(Shape) };

    /// <inheritdoc/>
    public override GroupedAttention Attention => Shape;

    private Split Heads => Split.OfHeads(Shape.Heads, Shape.HeadDim);

    private LinearModule Query =>
        new("self_attn.q_proj", Shape.QueryColumns, HiddenSize, QkvBias) { Partition = Partition.Outputs(Heads) };

    private LinearModule Key => KeyOrValue("self_attn.k_proj");

    private LinearModule Value => KeyOrValue("self_attn.v_proj");

    private LinearModule Output =>
        new("self_attn.o_proj", HiddenSize, Shape.QueryColumns, OutputBias) { Partition = Partition.Inputs(Heads) };

    private NormModule? QueryNorm => QueryKeyNormEpsilon is { } epsilon ? new("self_attn.q_norm", Shape.HeadDim, epsilon) : null;

    private NormModule? KeyNorm => QueryKeyNormEpsilon is { } epsilon ? new("self_attn.k_norm", Shape.HeadDim, epsilon) : null;

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    private LinearModule KeyOrValue(string name) =>
        new(name, Shape.KeyColumns, HiddenSize, QkvBias) { Partition = Partition.Outputs(Split.OfKeys(Shape)) };

    private sealed class Running : RunningBlock
    {
        private readonly GroupedAttention _shape;
        private readonly int _layer;
        private readonly LinearGroup _qkv;
        private readonly LinearGroup _output;
        private readonly DeviceVector? _queryNorm;
        private readonly DeviceVector? _keyNorm;
        private readonly float _epsilon;
        private readonly DeviceRope _rope;
        private readonly DeviceRows _projected;
        private readonly DeviceRows _attended;

        public Running(AttentionBlock block, BlockLoader loader)
        {
            _shape = block.Shape;
            _layer = loader.CacheLayer;
            _qkv = loader.Group(block.Query, block.Key, block.Value);
            _output = loader.Group(block.Output);
            _queryNorm = block.QueryNorm is { } queryNorm ? loader.Norm(queryNorm) : null;
            _keyNorm = block.KeyNorm is { } keyNorm ? loader.Norm(keyNorm) : null;
            _epsilon = block.QueryKeyNormEpsilon ?? 0;
            _rope = loader.Rope(block.Rope);
            _projected = loader.Rows(block.Heads, Split.OfKeys(_shape), Split.OfKeys(_shape));
            _attended = loader.Rows(block.Heads);
        }

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            backend.Linear(_qkv, x, _projected);
            if (_queryNorm is not null && _keyNorm is not null)
            {
                backend.NormHeads(_projected, 0, _shape.Heads, _queryNorm, _epsilon);
                backend.NormHeads(_projected, _shape.QueryColumns, _shape.KeyValueHeads, _keyNorm, _epsilon);
            }

            backend.RotateAndStore(_projected, _layer, _shape, _rope);
            backend.Attend(_projected, _layer, _shape, _attended);
            backend.Linear(_output, _attended, y);
        }
    }
}
