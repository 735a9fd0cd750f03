using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;
using SLoRA.Native;
using SLoRA.Step;

namespace SLoRA.Backends.Sharded;

/// <summary>
/// Several backends in front of which this one stands: each has its part of every weight and its slice of every page, and does the
/// operations of a step on its part. Operations are posted to the threads of the shards; the caller's own thread is that of shard 0. What
/// shards exchange is the shards' own business (<see cref="ICollective"/>).
/// </summary>
/// <remarks>
/// A shard that fails calls the meeting off, so that no other waits for it; all come to rest, and the caller gets one error that names it.
/// Then every further operation gives the same error.
/// </remarks>
internal sealed class ShardedBackend : IBackend
{
    private readonly IBackend[] _shards;
    private readonly Meeting _meeting;
    private readonly int _outputLimit;
    private readonly bool _checksPages;
    private readonly ShardLoader _loader;
    private readonly ShardLine _line = new();
    private readonly ShardThread[] _threads;
    private readonly Dictionary<LinearGroup, LinearGroup[]> _groups = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<GroupedAttention, GroupedAttention[]> _attentions = new(ReferenceEqualityComparer.Instance);
    private ImmutableArray<KvLayout> _slices = [];
    private ImmutableArray<(Split Split, int HeadDim)> _heads = [];
    private IPageMemory? _pages;
    private SharedHeads? _sharedHeads;
    private NativeBlock? _logits;
    private StepPlan? _plan;
    private ShardFailedException? _failure;
    private int _vocabulary;
    private int _pageCount;
    private bool _isDisposed;

    /// <summary>Starts the threads.</summary>
    /// <param name="option">The option that says how many shards there are, for messages.</param>
    /// <param name="shards">The shards; disposed of with this.</param>
    /// <param name="meeting">Where they meet.</param>
    /// <param name="outputLimit">The most output rows of a step.</param>
    /// <param name="checksPages">Whether shards are compared, after every step, in what two of them keep alike.</param>
    public ShardedBackend(string option, IBackend[] shards, Meeting meeting, int outputLimit, bool checksPages = false)
    {
        _checksPages = checksPages;
        _shards = shards;
        _meeting = meeting;
        _outputLimit = outputLimit;
        _loader = new ShardLoader(option, shards);
        _threads = new ShardThread[shards.Length - 1];
        int started = 0;
        try
        {
            for (; started < _threads.Length; started++)
            {
                int shard = started + 1;
                _threads[started] = new ShardThread(_line, shard, command => TryExecute(shard, command));
            }
        }
        catch
        {
            // The system refuses one: those before it must not stay.
            EndThreads(started);
            throw;
        }
    }

    /// <inheritdoc/>
    public string Name => _shards[0].Name;

    /// <inheritdoc/>
    public BackendStatus Status => _shards[0].Status with
    {
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
        foreach (KeptState state in kept)
        {
            if (!state.PerSequence.IsEmpty || state.PerToken is { Split: null })
            {
                throw _loader.CannotShare("what a layer keeps of a sequence");
            }

            _loader.Check("the heads of an attention", state.PerToken!.Value.Split!.Value);
        }

        _heads = [.. kept.Select(state => (state.PerToken!.Value.Split!.Value, state.PerToken.Value.HeadDim))];
        int tokens = KvLayout.For(kept, type, pageTokens).PageTokens;
        LayerGroups groups = LayerGroups.Of([.. kept.Select(state => state.PerToken!.Value)]);
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
        _sharedHeads = _checksPages ? new SharedHeads(_slices, _heads, pages) : null;
    }

    /// <summary>Blocks are widened, so that the parts of shards may end inside them.</summary>
    /// <inheritdoc/>
    public WeightFormat Takes(WeightFormat stored) => stored is BlockFormat ? WeightFormat.F32 : _shards[0].Takes(stored);

    /// <inheritdoc/>
    public void ReserveWeights(IEnumerable<long> sizes)
    {
        long[] parts = [.. sizes.Select(size => (size + _shards.Length - 1) / _shards.Length)];
        foreach (IBackend shard in _shards)
        {
            shard.ReserveWeights(parts);
        }
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
            foreach (Split split in splits)
            {
                columns += split.ColumnsOf(shard, _shards.Length);
            }

            parts[shard] = _shards[shard].CreateRows(rows, columns);
        }

        return new ShardedRows(rows, width, splits, parts);
    }

    /// <inheritdoc/>
    public DeviceRope CreateRope(RopeDescription rope) => new ShardedRope([.. _shards.Select(shard => shard.CreateRope(rope))]);

    /// <inheritdoc/>
    public void CompleteLoading(DecoderShape decoder)
    {
        for (int shard = 0; shard < _shards.Length; shard++)
        {
            _shards[shard].CompleteLoading(decoder with { Attentions = [.. decoder.Attentions.Select(one => OnShards(one)[shard])] });
        }

        _vocabulary = decoder.VocabularySize;
        _logits = new NativeBlock((long)_outputLimit * _vocabulary * sizeof(float));
    }

    /// <inheritdoc/>
    public void BeginStep(StepPlan plan)
    {
        _plan = plan;
        Do(new ShardCommand(ShardOperation.BeginStep) { Plan = plan });
    }

    /// <inheritdoc/>
    public void Embed(DeviceTable table, int target, DeviceRows x) =>
        Do(new ShardCommand(ShardOperation.Embed) { Table = (ShardedTable)table, First = target, X = (ShardedRows)x });

    /// <inheritdoc/>
    public void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y) => Do(new ShardCommand(ShardOperation.Norm)
    {
        X = (ShardedRows)x,
        Weight = (ShardedVector)weight,
        Epsilon = epsilon,
        Y = (ShardedRows)y,
    });

    /// <inheritdoc/>
    public void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon) =>
        Do(new ShardCommand(ShardOperation.NormHeads)
        {
            X = (ShardedRows)x,
            First = firstColumn,
            Count = heads,
            Weight = (ShardedVector)weight,
            Epsilon = epsilon,
        });

    /// <inheritdoc/>
    public void LayerNorm(DeviceRows x, DeviceVector weight, DeviceVector? bias, float epsilon, DeviceRows y) =>
        Do(new ShardCommand(ShardOperation.LayerNorm)
        {
            X = (ShardedRows)x,
            Weight = (ShardedVector)weight,
            Bias = (ShardedVector?)bias,
            Epsilon = epsilon,
            Y = (ShardedRows)y,
        });

    /// <inheritdoc/>
    public void Rotate(DeviceRows x, int firstColumn, int heads, int headDim, DeviceRope rope) =>
        Do(new ShardCommand(ShardOperation.Rotate)
        {
            X = (ShardedRows)x,
            First = firstColumn,
            Count = heads,
            HeadDim = headDim,
            Rope = (ShardedRope)rope,
        });

    /// <inheritdoc/>
    public void ScaleByPosition(PositionScale scale, DeviceRows x, int columns) =>
        Do(new ShardCommand(ShardOperation.ScaleByPosition) { X = (ShardedRows)x, Scale = scale, Count = columns });

    /// <inheritdoc/>
    public void Apply(ElementFunction function, DeviceRows x, int firstColumn, int columns) =>
        Do(new ShardCommand(ShardOperation.Apply)
        {
            X = (ShardedRows)x,
            Function = function,
            First = firstColumn,
            Count = columns,
        });

    /// <inheritdoc/>
    public void Multiply(DeviceRows y, int yColumn, DeviceRows x, int xColumn, int columns) =>
        throw _loader.CannotShare("a product of columns");

    /// <inheritdoc/>
    public void Convolve(DeviceRows x, int firstColumn, ShortConvolution convolution, int state, DeviceRows y) =>
        throw _loader.CannotShare("a convolution");

    /// <inheritdoc/>
    public void Regroup(DeviceRows x, ImmutableArray<ColumnRun> runs, DeviceRows y) =>
        throw _loader.CannotShare("columns that change places");

    /// <inheritdoc/>
    public void Recur(DeviceRows x, DeviceRows steps, LoadedRecurrence recurrence, int state, DeviceRows y) =>
        throw _loader.CannotShare("a recurrence");

    /// <inheritdoc/>
    public void NormGated(
        DeviceRows x, int heads, DeviceVector weight, float epsilon, DeviceRows gates, int gateColumn, bool gatesFirst) =>
        throw _loader.CannotShare("a norm beside gates");

    /// <inheritdoc/>
    public void Linear(LinearGroup group, DeviceRows x, DeviceRows y) => Do(new ShardCommand(ShardOperation.Linear)
    {
        Groups = OnShards(group, (ShardedRows)x, (ShardedRows)y),
        X = (ShardedRows)x,
        Y = (ShardedRows)y,
    });

    /// <inheritdoc/>
    public void RotateAndStore(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRope rope) =>
        Do(new ShardCommand(ShardOperation.RotateAndStore)
        {
            X = (ShardedRows)qkv,
            First = layer,
            Attentions = OnShards(attention),
            Rope = (ShardedRope)rope,
        });

    /// <inheritdoc/>
    public void Attend(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRows y, DeviceVector? sinks = null) =>
        Do(new ShardCommand(ShardOperation.Attend)
        {
            X = (ShardedRows)qkv,
            First = layer,
            Attentions = sinks is null ? OnShards(attention) : throw NotShared(),
            Y = (ShardedRows)y,
        });

    /// <inheritdoc/>
    public DeviceExperts LoadExperts(ExpertSources sources) => throw _loader.CannotShare("a mixture of experts");

    /// <inheritdoc/>
    public DeviceRoutes CreateRoutes(int experts, int chosen) => throw _loader.CannotShare("a mixture of experts");

    /// <inheritdoc/>
    public DeviceRows CreateRoutedRows(DeviceRoutes routes, int width) => throw NotShared();

    /// <inheritdoc/>
    public void Route(DeviceRows logits, Routing routing, DeviceVector? correction, DeviceVector? factors, DeviceRoutes routes) =>
        throw NotShared();

    /// <inheritdoc/>
    public void Spread(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y) => throw NotShared();

    /// <inheritdoc/>
    public void LinearOfExperts(ExpertLinear linear, DeviceRows x, DeviceRoutes routes, DeviceRows y) => throw NotShared();

    /// <inheritdoc/>
    public void Combine(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y) => throw NotShared();

    /// <inheritdoc/>
    public void AddGated(DeviceRows y, DeviceRows gate, DeviceRows x) => throw NotShared();

    /// <inheritdoc/>
    public void GateClamped(ClampedGate gate, DeviceRows x, DeviceRows y) => throw NotShared();

    /// <inheritdoc/>
    public void RouteToAll(DeviceRoutes routes) => throw NotShared();

    /// <inheritdoc/>
    public void TakeHeads(DeviceRows x, int firstColumn, int stride, DeviceRoutes routes, DeviceRows y) => throw NotShared();

    /// <inheritdoc/>
    public void PutHeads(DeviceRows x, DeviceRoutes routes, DeviceRows y) => throw NotShared();

    /// <inheritdoc/>
    public void RotateAndStoreLatent(DeviceRows q, DeviceRows kv, int layer, LatentAttention attention, DeviceRope rope) =>
        throw NotShared();

    /// <inheritdoc/>
    public void AttendLatent(
        DeviceRows absorbed, DeviceRows q, int layer, LatentAttention attention, DeviceRoutes routes, DeviceRows y) => throw NotShared();

    /// <inheritdoc/>
    public void Gate(Activation activation, DeviceRows x, DeviceRows y) =>
        Do(new ShardCommand(ShardOperation.Gate) { Activation = activation, X = (ShardedRows)x, Y = (ShardedRows)y });

    /// <inheritdoc/>
    public void Add(DeviceRows x, DeviceRows y) =>
        Do(new ShardCommand(ShardOperation.Add) { X = (ShardedRows)x, Y = (ShardedRows)y });

    /// <inheritdoc/>
    public void AddNorm(DeviceRows x, DeviceRows y, DeviceVector weight, float epsilon, DeviceRows z) =>
        Do(new ShardCommand(ShardOperation.AddNorm)
        {
            X = (ShardedRows)x,
            Y = (ShardedRows)y,
            Weight = (ShardedVector)weight,
            Epsilon = epsilon,
            Z = (ShardedRows)z,
        });

    /// <inheritdoc/>
    public void GatherOutputs(DeviceRows x, DeviceRows y) =>
        Do(new ShardCommand(ShardOperation.GatherOutputs) { X = (ShardedRows)x, Y = (ShardedRows)y });

    /// <inheritdoc/>
    public void Choose(DeviceRows logits)
    {
    }

    /// <inheritdoc/>
    public int Chosen(int output) => -1;

    /// <inheritdoc/>
    public void EndStep(DeviceRows logits)
    {
        Do(new ShardCommand(ShardOperation.EndStep) { X = (ShardedRows)logits });
        AwaitRest();
        ThrowIfFailed();
        _sharedHeads?.Check(_plan!);
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
        _meeting.CallOff();
        EndThreads(_threads.Length);
        foreach (IBackend shard in _shards)
        {
            shard.Dispose();
        }

        _logits?.Dispose();
    }

    /// <summary>Loading has refused every model that needs the operation.</summary>
    private static NotSupportedException NotShared() => new("Shards do not share this operation.");

    private void EndThreads(int count)
    {
        _line.Close();
        foreach (ShardThread thread in _threads.AsSpan(0, count))
        {
            thread.Join();
        }
    }

    /// <summary>Hands an operation to the other shards and does this thread's own part of it.</summary>
    private void Do(in ShardCommand command)
    {
        ThrowIfFailed();
        AwaitPlace();
        _line.Post(command);
        TryExecute(0, command);
        if (Volatile.Read(ref _failure) is not null)
        {
            AwaitRest();
            ThrowIfFailed();
        }
    }

    private void ThrowIfFailed()
    {
        if (Volatile.Read(ref _failure) is { } failure)
        {
            throw failure.Repeat();
        }
    }

    /// <summary>Waits until the slowest shard has done what stands in the place of the next operation.</summary>
    private void AwaitPlace()
    {
        foreach (ShardThread thread in _threads)
        {
            while (_line.Posted - thread.Done >= ShardLine.Capacity)
            {
                Thread.Yield();
            }
        }
    }

    /// <summary>Waits until every shard has done everything.</summary>
    private void AwaitRest()
    {
        foreach (ShardThread thread in _threads)
        {
            for (int spins = 0; thread.Done < _line.Posted; spins++)
            {
                if (spins < 1000)
                {
                    Thread.SpinWait(4);
                }
                else
                {
                    Thread.Yield();
                }
            }
        }
    }

    /// <summary>Does a shard's part of an operation, unless one has failed. Called on the shard's thread; does not throw.</summary>
    private void TryExecute(int shard, in ShardCommand command)
    {
        if (Volatile.Read(ref _failure) is not null)
        {
            return;
        }

        try
        {
            Execute(shard, command);
        }
        catch (CalledOffException)
        {
            // Who has failed says so itself.
        }
        catch (Exception error)
        {
            Exception cause = _shards[shard].FaultOf(error) ?? error;
            Interlocked.CompareExchange(ref _failure, new ShardFailedException(shard, command.Operation.ToString(), cause), null);
            _meeting.CallOff();
        }
    }

    private void Execute(int shard, in ShardCommand command)
    {
        IBackend backend = _shards[shard];
        DeviceRows x = command.X is { } input ? input.Parts[shard] : null!;
        DeviceRows y = command.Y is { } output ? output.Parts[shard] : null!;
        DeviceVector weight = command.Weight is { } vector ? vector.Parts[shard] : null!;
        switch (command.Operation)
        {
            case ShardOperation.BeginStep:
                backend.BeginStep(command.Plan!);
                break;
            case ShardOperation.Embed:
                backend.Embed(command.Table!.Parts[shard], command.First, x);
                break;
            case ShardOperation.Norm:
                backend.Norm(x, weight, command.Epsilon, y);
                break;
            case ShardOperation.NormHeads:
                (int first, int columns) = command.X!.OnShard(command.First, command.Count * weight.Length, shard);
                backend.NormHeads(x, first, columns / weight.Length, weight, command.Epsilon);
                break;
            case ShardOperation.LayerNorm:
                backend.LayerNorm(x, weight, command.Bias?.Parts[shard], command.Epsilon, y);
                break;
            case ShardOperation.Rotate:
                (int from, int turned) = command.X!.OnShard(command.First, command.Count * command.HeadDim, shard);
                backend.Rotate(x, from, turned / command.HeadDim, command.HeadDim, command.Rope!.Parts[shard]);
                break;
            case ShardOperation.ScaleByPosition:
                backend.ScaleByPosition(command.Scale!, x, command.X!.OnShard(0, command.Count, shard).Columns);
                break;
            case ShardOperation.Apply:
                (int begin, int applied) = command.X!.OnShard(command.First, command.Count, shard);
                backend.Apply(command.Function, x, begin, applied);
                break;
            case ShardOperation.Linear:
                backend.Linear(command.Groups![shard], x, y);
                break;
            case ShardOperation.RotateAndStore:
                backend.RotateAndStore(x, command.First, command.Attentions![shard], command.Rope!.Parts[shard]);
                break;
            case ShardOperation.Attend:
                backend.Attend(x, command.First, command.Attentions![shard], y);
                break;
            case ShardOperation.Gate:
                backend.Gate(command.Activation, x, y);
                break;
            case ShardOperation.Add:
                backend.Add(x, y);
                break;
            case ShardOperation.AddNorm:
                backend.AddNorm(x, y, weight, command.Epsilon, command.Z!.Parts[shard]);
                break;
            case ShardOperation.GatherOutputs:
                backend.GatherOutputs(x, y);
                break;
            case ShardOperation.EndStep:
                backend.EndStep(x);
                ShowLogits(shard, command.X!);
                break;
            default:
                throw new InvalidOperationException($"Shards have no operation {command.Operation}.");
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
    [
        .. kept.Select(state => state.PerToken!.Value).Select(
            shape => (KeptState)new KeyValueShape(shape.Split!.Value.ColumnsOf(shard, _shards.Length) / shape.HeadDim, shape.HeadDim)
            {
                Sight = shape.Sight,
            }),
    ];

    /// <summary>What each shard has of a group of products; made when it is first asked for.</summary>
    private LinearGroup[] OnShards(LinearGroup group, ShardedRows x, ShardedRows y)
    {
        if (_groups.TryGetValue(group, out LinearGroup[]? known))
        {
            return known;
        }

        Partition partition = group.Partition ?? throw _loader.CannotShare("a product");
        var groups = new LinearGroup[_shards.Length];
        for (int shard = 0; shard < groups.Length; shard++)
        {
            int place = shard;
            ImmutableArray<LinearPart> parts =
            [
                .. group.Parts.Select(part => new LinearPart(
                    ((ShardedMatrix)part.Weight).Parts[place], ((ShardedVector?)part.Bias)?.Parts[place], part.Target)),
            ];
            groups[shard] = new LinearGroup(parts)
            {
                Partition = partition,
                InputBorders = partition.Axis == PartitionAxis.Columns
                    ? [.. partition.Split.BordersOf(shard, _shards.Length)]
                    : [0, parts[0].Weight.Inputs],
            };
            if (groups[shard].Inputs != x.Parts[shard].Width || groups[shard].Outputs != y.Parts[shard].Width)
            {
                throw new InvalidOperationException("The rows of a product are not shared as its weights are.");
            }
        }

        _groups.Add(group, groups);
        return groups;
    }

    /// <summary>What each shard has of an attention; made when it is first asked for.</summary>
    private GroupedAttention[] OnShards(GroupedAttention attention)
    {
        if (_attentions.TryGetValue(attention, out GroupedAttention[]? known))
        {
            return known;
        }

        Split queries = Split.OfHeads(attention.Heads, attention.HeadDim);
        Split keys = Split.OfKeys(attention);
        var attentions = new GroupedAttention[_shards.Length];
        for (int shard = 0; shard < attentions.Length; shard++)
        {
            (int first, int end) = queries.UnitsOf(shard, _shards.Length);
            attentions[shard] = attention with
            {
                Heads = end - first,
                KeyValueHeads = keys.ColumnsOf(shard, _shards.Length) / attention.HeadDim,
                HeadsPerKey = attention.HeadsPerKey,
                FirstHead = first % attention.HeadsPerKey,
            };
        }

        _attentions.Add(attention, attentions);
        return attentions;
    }
}
