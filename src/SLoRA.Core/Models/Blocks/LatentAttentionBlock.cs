using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// Attention over a latent (multi-head latent attention): keys and values of all heads are functions of one latent per token, which is what
/// the cache keeps, beside one rotated key part. Queries go into the space of the latent, and what they find there comes out of it head by
/// head.
/// </summary>
internal sealed record LatentAttentionBlock : Block
{
    /// <summary>Width of the residual stream, D.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Heads and scale.</summary>
    public required LatentAttention Shape { get; init; }

    /// <summary>The rotation of the rotated parts.</summary>
    public required RopeDescription Rope { get; init; }

    /// <summary>Columns that queries go through on their way; null for a straight projection.</summary>
    public int? QueryLatent { get; init; }

    /// <summary>ε of the norms of both latents.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>Whether the projections from and to the residual stream have biases.</summary>
    public bool Bias { get; init; }

    /// <inheritdoc/>
    public override ImmutableArray<Module> Modules => QueryLatent is { } width
        ? [QueryDown(width), QueryNorm(width), Query, Down, Norm, Up, Output]
        : [Query, Down, Norm, Up, Output];

    /// <inheritdoc/>
    public override KeptState Keeps =>
        new KeyValueShape(1, Shape.KeyColumns) { ValueDim = 0, OwnScaleColumns = Shape.Rotated };

    /// <inheritdoc/>
    public override GroupedAttention Attention => Shape.Grouped;

    /// <summary>Shards share the heads; what is made of a token before it comes to heads is small, and each makes all of it.</summary>
    private Split Queries => Split.OfHeads(Shape.Heads, Shape.QueryColumns);

    private Split Values => Queries.With(Shape.Value);

    private LinearModule Query =>
        new(QueryLatent is null ? "self_attn.q_proj" : "self_attn.q_b_proj", Queries.Columns, QueryLatent ?? HiddenSize)
        {
            Partition = Partition.Outputs(Queries),
        };

    private LinearModule Down => new("self_attn.kv_a_proj_with_mqa", Shape.KeyColumns, HiddenSize, Bias);

    private NormModule Norm => new("self_attn.kv_a_layernorm", Shape.Latent, NormEpsilon);

    private LatentModule Up => new("self_attn.kv_b_proj", Shape.Heads, Shape.Plain, Shape.Value, Shape.Latent)
    {
        Partition = Partition.Outputs(Queries.With(Shape.Plain + Shape.Value)),
    };

    private LinearModule Output =>
        new("self_attn.o_proj", HiddenSize, Values.Columns, Bias) { Partition = Partition.Inputs(Values) };

    /// <inheritdoc/>
    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader);

    private LinearModule QueryDown(int width) => new("self_attn.q_a_proj", width, HiddenSize, Bias);

    private NormModule QueryNorm(int width) => new("self_attn.q_a_layernorm", width, NormEpsilon);

    private sealed class Running : RunningBlock
    {
        private readonly LatentAttention _shape;
        private readonly int _layer;
        private readonly float _epsilon;
        private readonly LinearGroup? _queryDown;
        private readonly DeviceVector? _queryNorm;
        private readonly DeviceRows? _queryLatent;
        private readonly LinearGroup _query;
        private readonly LinearGroup _down;
        private readonly DeviceVector _norm;
        private readonly ExpertLinear _keys;
        private readonly ExpertLinear _values;
        private readonly LinearGroup _output;
        private readonly DeviceRope _rope;
        private readonly DeviceRoutes _routes;
        private readonly DeviceRows _queries;
        private readonly DeviceRows _kept;
        private readonly DeviceRows _plain;
        private readonly DeviceRows _absorbed;
        private readonly DeviceRows _found;
        private readonly DeviceRows _given;
        private readonly DeviceRows _attended;

        public Running(LatentAttentionBlock block, BlockLoader loader)
        {
            _shape = block.Shape;
            _layer = loader.CacheLayer;
            _epsilon = block.NormEpsilon;
            if (block.QueryLatent is { } width)
            {
                _queryDown = loader.Group(block.QueryDown(width));
                _queryNorm = loader.NormWeight(block.QueryNorm(width));
                _queryLatent = loader.Rows(width);
            }

            _query = loader.Group(block.Query);
            _down = loader.Group(block.Down);
            _norm = loader.NormWeight(block.Norm);
            (_keys, _values) = loader.Latent(block.Up);
            _output = loader.Group(block.Output);
            _rope = loader.Rope(block.Rope);
            _routes = loader.HeadRoutes(block.Queries);
            _queries = loader.Rows(block.Queries);
            _kept = loader.Rows(_shape.KeyColumns);
            _plain = loader.RoutedRows(_routes, _shape.Plain);
            _absorbed = loader.RoutedRows(_routes, _shape.Latent);
            _found = loader.RoutedRows(_routes, _shape.Latent);
            _given = loader.RoutedRows(_routes, _shape.Value);
            _attended = loader.Rows(block.Values);
        }

        public override void Run(IBackend backend, DeviceRows x, DeviceRows y)
        {
            if (_queryDown is null)
            {
                backend.Linear(_query, x, _queries);
            }
            else
            {
                backend.Linear(_queryDown, x, _queryLatent!);
                backend.NormHeads(_queryLatent!, 0, 1, _queryNorm!, _epsilon);
                backend.Linear(_query, _queryLatent!, _queries);
            }

            backend.Linear(_down, x, _kept);
            backend.NormHeads(_kept, 0, 1, _norm, _epsilon);
            backend.RotateAndStoreLatent(_queries, _kept, _layer, _shape, _rope);
            backend.RouteToAll(_routes);
            backend.TakeHeads(_queries, 0, _shape.QueryColumns, _routes, _plain);
            backend.LinearOfExperts(_keys, _plain, _routes, _absorbed);
            backend.AttendLatent(_absorbed, _queries, _layer, _shape, _routes, _found);
            backend.LinearOfExperts(_values, _found, _routes, _given);
            backend.PutHeads(_given, _routes, _attended);
            backend.Linear(_output, _attended, y);
        }
    }
}
