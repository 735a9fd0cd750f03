using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;
using SLoRA.Native;
using SLoRA.Step;

namespace SLoRA.Backends.Sharded;

/// <summary>
/// Several backends in front of which this one stands: each has its part of every weight and its slice of every page, and does the
/// operations of a step on its part (<see cref="ShardCrew"/>). What shards exchange is the shards' own business
/// (<see cref="ICollective"/>).
/// </summary>
internal sealed partial class ShardedBackend : IBackend
{
    private readonly IBackend[] _shards;
    private readonly int _outputLimit;
    private readonly bool _checksPages;
    private readonly ShardLoader _loader;
    private readonly ShardShapes _shapes;
    private readonly ShardCrew _crew;
    private ImmutableArray<KvLayout> _slices = [];
    private ImmutableArray<KeyValueShape> _kept = [];
    private IPageMemory? _pages;
    private SharedHeads? _sharedHeads;
    private NativeBlock? _logits;
    private StepPlan? _plan;
    private int _vocabulary;
    private int _pageCount;
    private bool _isDisposed;

    /// <summary>Starts the threads.</summary>
    /// <param name="option">The option that says how many shards there are, for messages.</param>
    /// <param name="shards">The shards; disposed of with this.</param>
    /// <param name="meeting">Where they meet.</param>
    /// <param name="outputLimit">The most output rows of a step.</param>
    /// <param name="checksPages">Whether shards are compared, after every step, in what several of them keep alike.</param>
    public ShardedBackend(string option, IBackend[] shards, Meeting meeting, int outputLimit, bool checksPages = false)
    {
        _checksPages = checksPages;
        _shards = shards;
        _outputLimit = outputLimit;
        _loader = new ShardLoader(option, shards);
        _shapes = new ShardShapes(shards.Length);
        _crew = new ShardCrew(shards, meeting, Execute);
    }

    /// <inheritdoc/>
    public string Name => _shards[0].Name;

    /// <inheritdoc/>
    public BackendStatus Status => _shards[0].Status with
    {
        PackedImage = _shards.Select(shard => shard.Status.PackedImage).FirstOrDefault(image => image is { IsUsed: false })
            ?? _shards[0].Status.PackedImage,
        Shards =
        [
            .. _shards.Select((_, shard) =>
                new ShardStatus(_loader.Bytes[shard], _pages is null ? 0 : _pageCount * _slices[shard].PageBytes)),
        ],
    };

    /// <inheritdoc/>
    public string? Shortcoming => _shards[0].Shortcoming;

    /// <inheritdoc/>
    public IPageMemory Pages => _pages ?? throw new InvalidOperationException("The pages are not allocated yet.");

    /// <inheritdoc/>
    public StepExchange Exchange => _shards[0].Exchange;

    /// <inheritdoc/>
    public bool ChoosesTokens => false;

    /// <inheritdoc/>
    public KvLayout LayOut(ImmutableArray<KeptState> kept, TensorType type, int? pageTokens)
    {
        foreach (KeyValueShape shape in kept.Select(state => state.PerToken).OfType<KeyValueShape>())
        {
            if (shape.Split is { } split)
            {
                _loader.Check("the heads of an attention", split);
            }
        }

        foreach (StateShape state in kept.SelectMany(state => state.PerSequence))
        {
            if ((state.CutParts ?? state.Cut) is { } split)
            {
                _loader.Check("what a layer keeps of a sequence", split);
            }
        }

        _kept = [.. kept.Select(state => state.PerToken).OfType<KeyValueShape>()];
        int tokens = KvLayout.For(kept, type, pageTokens).PageTokens;
        LayerGroups groups = LayerGroups.Of(_kept);
        long bytes = KvLayout.SmallestPage;
        for (int shard = 0; shard < _shards.Length; shard++)
        {
            bytes = Math.Max(bytes, KvLayout.For(OnShard(kept, shard), type, tokens, groups: groups).PageBytes);
        }

        _slices = [.. _shards.Select((_, shard) => KvLayout.For(OnShard(kept, shard), type, tokens, bytes, groups))];
        return KvLayout.OfSlices(_slices);
    }

    /// <inheritdoc/>
    public void AllocatePages(KvLayout layout, int pageCount)
    {
        for (int shard = 0; shard < _shards.Length; shard++)
        {
            _shards[shard].AllocatePages(_slices[shard], pageCount);
        }

        _pageCount = pageCount;
        IPageMemory[] pages = [.. _shards.Select(shard => shard.Pages)];
        _pages = new ShardedPages(pages);
        _sharedHeads = _checksPages ? new SharedHeads(_slices, _kept, pages) : null;
    }

    /// <summary>Blocks are widened, so that the parts of shards may end inside them.</summary>
    /// <inheritdoc/>
    public WeightFormat Takes(WeightFormat stored) => stored is BlockFormat ? WeightFormat.F32 : _shards[0].Takes(stored);

    /// <summary>Where rows are cut, each shard rounds its part of them.</summary>
    /// <inheritdoc/>
    public RowRounding? RoundingOf(WeightFormat taken, bool givesLogits, Partition? partition)
    {
        RowRounding? rounding = _shards[0].RoundingOf(taken, givesLogits, partition);
        if (rounding is null || partition is not { Axis: PartitionAxis.Columns } cut)
        {
            return rounding;
        }

        Runs[] parts = [.. Enumerable.Range(0, _shards.Length).Select(shard => cut.Of(shard, _shards.Length))];
        return row =>
        {
            foreach (Runs runs in parts)
            {
                var part = new float[runs.Count];
                runs.Gather<float>(row, part);
                rounding(part);
                runs.Scatter<float>(part, row);
            }
        };
    }

    /// <inheritdoc/>
    public bool FindWeights(ModelFiles files)
    {
        bool all = true;
        for (int shard = 0; shard < _shards.Length; shard++)
        {
            all &= _shards[shard].FindWeights(files with { Shard = shard, Shards = _shards.Length });
        }

        return all;
    }

    /// <summary>Shards take memory as their parts come: only a weight itself says how it is cut.</summary>
    /// <inheritdoc/>
    public void ReserveWeights(IEnumerable<long> sizes)
    {
    }

    /// <inheritdoc/>
    public DeviceMatrix LoadMatrix(WeightSource source) => _loader.Matrix(source);

    /// <inheritdoc/>
    public DeviceTable LoadTable(WeightSource source) => _loader.Table(source);

    /// <inheritdoc/>
    public DeviceVector LoadVector(WeightSource source) => _loader.Vector(source);

    /// <inheritdoc/>
    public DeviceRows CreateRows(RowSet rows, int width) => CreateRows(rows, width, []);

    /// <inheritdoc/>
    public DeviceRows CreateRows(RowSet rows, int width, ImmutableArray<Split> splits)
    {
        var parts = new DeviceRows[_shards.Length];
        for (int shard = 0; shard < parts.Length; shard++)
        {
            int columns = splits.IsEmpty ? width : 0;
            int further = splits.IsEmpty ? 0 : width;
            foreach (Split split in splits)
            {
                columns += split.ColumnsOf(shard, _shards.Length);
                further -= split.Columns;
            }

            columns += shard == parts.Length - 1 ? further : 0;

            parts[shard] = _shards[shard].CreateRows(rows, columns);
        }

        return new ShardedRows(rows, width, splits, parts);
    }

    /// <inheritdoc/>
    public DeviceExperts LoadExperts(ExpertSources sources) => _loader.Experts(sources);

    /// <inheritdoc/>
    public DeviceRoutes CreateRoutes(int experts, int chosen)
    {
        var owners = Split.OfExperts(experts);
        return new ShardedRoutes(experts, chosen, [.. _shards.Select((shard, index) =>
        {
            (int first, int end) = owners.UnitsOf(index, _shards.Length);
            return shard.CreateRoutes(experts, chosen, new Run(first, end - first));
        })]);
    }

    /// <inheritdoc/>
    public DeviceRoutes CreateHeadRoutes(Split heads) => new ShardedRoutes(heads.Units, heads.Units, [.. _shards.Select((shard, index) =>
    {
        (int first, int end) = heads.UnitsOf(index, _shards.Length);
        return shard.CreateRoutes(end - first, end - first);
    })]);

    /// <inheritdoc/>
    public DeviceRows CreateRoutedRows(DeviceRoutes routes, int width) => new ShardedRows(RowSet.Routed, width, [],
        [.. _shards.Select((shard, index) => shard.CreateRoutedRows(((ShardedRoutes)routes).Parts[index], width))], routes.Chosen);

    /// <inheritdoc/>
    public DeviceRope CreateRope(RopeDescription rope) => new ShardedRope([.. _shards.Select(shard => shard.CreateRope(rope))]);

    /// <inheritdoc/>
    public void CompleteLoading(DecoderShape decoder)
    {
        for (int shard = 0; shard < _shards.Length; shard++)
        {
            _shards[shard].CompleteLoading(decoder with { Attentions = [.. decoder.Attentions.Select(one => _shapes.Of(one)[shard])] });
        }

        _vocabulary = decoder.VocabularySize + decoder.AddedTokens;
        _logits = new NativeBlock((long)_outputLimit * _vocabulary * sizeof(float));
    }

    /// <inheritdoc/>
    public Span<float> Logits(DeviceRows logits, int output)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(output);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(output, _plan?.OutputCount ?? 0);
        return LogitsOf(output);
    }

    /// <inheritdoc/>
    public Exception? FaultOf(Exception error) => null;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _crew.Dispose();
        foreach (IBackend shard in _shards)
        {
            shard.Dispose();
        }

        _logits?.Dispose();
    }

    private void Execute(int shard, ShardCommand command)
    {
        ShardExecution.Run(_shards[shard], shard, command);
        if (command.Operation == ShardOperation.EndStep)
        {
            ShowLogits(shard, command.X!);
        }
    }

    /// <summary>Copies a shard's columns of the logits to where the caller reads whole rows.</summary>
    private void ShowLogits(int shard, ShardedRows logits)
    {
        int first = logits.Splits is [Split split] ? split.Of(shard, _shards.Length).First : 0;
        for (int output = 0; output < _plan!.OutputCount; output++)
        {
            Span<float> part = _shards[shard].Logits(logits.Parts[shard], output);
            part.CopyTo(LogitsOf(output)[first..]);
        }
    }

    private Span<float> LogitsOf(int output) => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(
        _logits!.Slice((long)output * _vocabulary * sizeof(float), _vocabulary * sizeof(float)));

    private ImmutableArray<KeptState> OnShard(ImmutableArray<KeptState> kept, int shard) =>
        [.. kept.Select(state => state.OnShard(shard, _shards.Length))];
}
