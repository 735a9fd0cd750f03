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

    /// <summary>
    /// The rotation of queries and keys, <see cref="RopeDescription.None"/> for none. Layers with the same rotation share the object.
    /// </summary>
    public required RopeDescription Rope { get; init; }

    /// <summary>The norms of queries and keys; null for none.</summary>
    public QueryKeyNorm? QueryKeyNorm { get; init; }

    /// <summary>Whether every value head is normed, without weights, by the ε of <see cref="QueryKeyNorm"/>.</summary>
    public bool NormsValues { get; init; }

    /// <summary>Whether there is no projection to values: they are what that to keys gives, before norm and rotation.</summary>
    public bool KeysAreValues { get; init; }

    /// <summary>Queries, keys and values are cut off at ± this, behind norms and before the rotation; null for no limit.</summary>
    public float? Limit { get; init; }

    /// <summary>What queries are multiplied by; null for nothing.</summary>
    public PositionScale? QueryScale { get; init; }

    /// <summary>Whether the projections to queries, keys and values have biases.</summary>
    public bool QkvBias { get; init; }

    /// <summary>Whether every head has a sink.</summary>
    public bool HasSinks { get; init; }

    /// <summary>Whether the output projection has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <summary>The one module that projects to queries, then keys, then values; null where there are three.</summary>
    public string? FusedName { get; init; }

    /// <summary>
    /// Whether the projection to queries gives, head by head, a gate too, whose sigmoid the head's result is multiplied by.
    /// </summary>
    public bool GatesOutput { get; init; }

    /// <summary>What the checkpoint calls it within its layer.</summary>
    public string Name { get; init; } = "self_attn";

    /// <summary>What the checkpoint calls the output projection.</summary>
    public string OutputName { get => field ?? $"{Name}.o_proj"; init; }

    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules
    {
        get
        {
            ImmutableArray<Module> modules = [.. Projections, Output];
            modules = QueryKeyNorm is { HasWeights: true } norm ? modules.AddRange(norm.Query(Shape), norm.Key(Shape)) : modules;
            return HasSinks ? modules.Add(Sinks) : modules;
        }
    }

    /// <inheritdoc/>
    public override KeptState Keeps => new KeyValueShape(Shape.KeyValueHeads, Shape.HeadDim)
    {
        Split = Keys,
        Sight = Shape.Sight,
    };

    /// <inheritdoc/>
    public override GroupedAttention Attention => Shape;

    /// <inheritdoc/>
    public override RopeLengths? RopeLengths => Rope.Lengths;

    /// <inheritdoc/>
    public override bool IsRecurrent => GatesOutput;

    private Split Heads => Split.OfHeads(Shape.Heads, Shape.HeadDim);

    private Split Keys => Split.OfKeys(Shape);

    private LinearModule[] Projections => FusedName is { } fused
        ?
        [
            new(fused, Shape.QueryColumns + (2 * Shape.KeyColumns), HiddenSize, QkvBias)
            {
                Partition = Partition.Outputs(Heads, Keys, Keys),
            },
        ]
        : KeysAreValues ? [Query, Key]
        : [Query, Key, KeyOrValue($"{Name}.v_proj")];

    private LinearModule Query =>
        new($"{Name}.q_proj", (GatesOutput ? 2 : 1) * Shape.QueryColumns, HiddenSize, QkvBias)
        {
            Partition = Partition.Outputs(GatesOutput ? Heads.With(2 * Shape.HeadDim) : Heads),
        };

    private LinearModule Key => KeyOrValue($"{Name}.k_proj");

    private LinearModule Output =>
        new(OutputName, HiddenSize, Shape.QueryColumns, OutputBias) { Partition = Partition.Inputs(Heads) };

    private VectorModule Sinks => new($"{Name}.sinks", Shape.Heads) { Partition = Partition.Inputs(Heads.With(1)) };

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    private LinearModule KeyOrValue(string name) =>
        new(name, Shape.KeyColumns, HiddenSize, QkvBias) { Partition = Partition.Outputs(Keys) };

    private sealed class Running : RunningBlock
    {
        private readonly GroupedAttention _shape;
        private readonly int _layer;
        private readonly LinearGroup _qkv;
        private readonly LinearGroup _output;
        private readonly DeviceVector? _queryNorm;
        private readonly DeviceVector? _keyNorm;
        private readonly DeviceVector? _sinks;
        private readonly DeviceVector? _valueNorm;
        private readonly float _epsilon;
        private readonly float? _limit;
        private readonly PositionScale? _queryScale;
        private readonly DeviceRope _rope;
        private readonly DeviceRope? _early;
        private readonly GatedQueries? _gated;
        private readonly DeviceRows _projected;
        private readonly DeviceRows _attended;

        public Running(AttentionBlock block, BlockLoader loader)
        {
            _shape = block.Shape;
            _layer = loader.CacheLayer;
            _qkv = loader.Group(block.Projections);
            if (block.KeysAreValues)
            {
                // The product with keys once more: an adapter on it changes both.
                _qkv = LinearGroup.Of([.. _qkv.Parts, _qkv.Parts[^1]], _qkv.Partition);
            }

            _output = loader.Group(block.Output);
            _sinks = block.HasSinks ? loader.Vector(block.Sinks) : null;
            _rope = loader.Rope(block.Rope);
            if (block.QueryKeyNorm is { } norm)
            {
                _queryNorm = norm.HasWeights ? loader.NormWeight(norm.Query(_shape)) : loader.Ones(_shape.HeadDim);
                _keyNorm = norm.HasWeights ? loader.NormWeight(norm.Key(_shape)) : _queryNorm;
                _epsilon = norm.Epsilon;
                _valueNorm = block.NormsValues ? loader.Ones(_shape.HeadDim) : null;
                if (norm.AfterRotation)
                {
                    (_early, _rope) = (_rope, loader.Rope(RopeDescription.None));
                }
            }

            _limit = block.Limit;
            _queryScale = block.QueryScale;
            _gated = block.GatesOutput ? new GatedQueries(_shape, block.Heads, block.Keys, loader) : null;
            _projected = loader.Rows(block.Heads, block.Keys, block.Keys);
            _attended = loader.Rows(block.Heads);
        }

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            backend.Linear(_qkv, x, _gated?.Projected ?? _projected);
            _gated?.Separate(backend, _projected);
            if (_early is not null)
            {
                backend.Rotate(_projected, 0, _shape.Heads, _shape.HeadDim, _early);
                backend.Rotate(_projected, _shape.QueryColumns, _shape.KeyValueHeads, _shape.HeadDim, _early);
            }

            if (_queryNorm is not null && _keyNorm is not null)
            {
                // A norm over the whole width is that of one wide head.
                backend.NormHeads(_projected, 0, _shape.QueryColumns / _queryNorm.Length, _queryNorm, _epsilon);
                backend.NormHeads(_projected, _shape.QueryColumns, _shape.KeyColumns / _keyNorm.Length, _keyNorm, _epsilon);
            }

            if (_valueNorm is not null)
            {
                backend.NormHeads(
                    _projected, _shape.QueryColumns + _shape.KeyColumns, _shape.KeyValueHeads, _valueNorm, _epsilon);
            }

            if (_limit is { } limit)
            {
                backend.Apply(ElementFunction.Clip(limit), _projected, 0, _projected.Width);
            }

            if (_queryScale is not null)
            {
                backend.ScaleByPosition(_queryScale, _projected, _shape.QueryColumns);
            }

            backend.RotateAndStore(_projected, _layer, _shape, _rope);
            backend.Attend(_projected, _layer, _shape, _attended, _sinks);
            _gated?.Apply(backend, _attended);
            backend.Linear(_output, _attended, y);
        }
    }
}
