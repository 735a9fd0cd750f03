using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Backends.Reference;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Shards;

/// <summary>
/// Two devices behind one backend, as shards would be: every operation runs on both, with page memory of its own for each, and their rows
/// are compared after every operation. Engine, planner and decoder do not know.
/// </summary>
internal sealed class TwinBackend(int rows, int outputs) : IBackend
{
    private readonly ReferenceBackend _left = new(rows, outputs);
    private readonly ReferenceBackend _right = new(rows, outputs);
    private Pair? _pages;

    /// <summary>Rows that were compared.</summary>
    public long Compared { get; private set; }

    public string Name => "Twin";

    public BackendStatus Status => new() { Name = Name };

    public string? Shortcoming => null;

    public IPageMemory Pages => _pages ?? throw new InvalidOperationException("The pages are not allocated yet.");

    public bool ChoosesTokens => false;

    public void AllocatePages(KvLayout layout, int pageCount)
    {
        _left.AllocatePages(layout, pageCount);
        _right.AllocatePages(layout, pageCount);
        _pages = new Pair(_left.Pages, _right.Pages);
    }

    public void ReserveWeights(IEnumerable<long> sizes)
    {
        long[] all = [.. sizes];
        _left.ReserveWeights(all);
        _right.ReserveWeights(all);
    }

    public DeviceMatrix LoadMatrix(WeightSource source) => new Matrix(_left.LoadMatrix(source), _right.LoadMatrix(source));

    public DeviceTable LoadTable(WeightSource source) => new Table(_left.LoadTable(source), _right.LoadTable(source));

    public DeviceVector LoadVector(WeightSource source) => new Vector(_left.LoadVector(source), _right.LoadVector(source));

    public DeviceRows CreateRows(RowSet rows, int width) => new Rows(_left.CreateRows(rows, width), _right.CreateRows(rows, width));

    public DeviceExperts LoadExperts(ExpertSources sources) => throw NoExperts();

    public DeviceRoutes CreateRoutes(int experts, int chosen) => throw NoExperts();

    public DeviceRows CreateRoutedRows(DeviceRoutes routes, int width) => throw NoExperts();

    public void Route(DeviceRows logits, Routing routing, DeviceVector? correction, DeviceVector? factors, DeviceRoutes routes) =>
        throw NoExperts();

    public void Spread(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y) => throw NoExperts();

    public void LinearOfExperts(ExpertLinear linear, DeviceRows x, DeviceRoutes routes, DeviceRows y) => throw NoExperts();

    public void Combine(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y) => throw NoExperts();

    public void RouteToAll(DeviceRoutes routes) => throw NoExperts();

    public void TakeHeads(DeviceRows x, int firstColumn, int stride, DeviceRoutes routes, DeviceRows y) => throw NoExperts();

    public void PutHeads(DeviceRows x, DeviceRoutes routes, DeviceRows y) => throw NoExperts();

    public void RotateAndStoreLatent(DeviceRows q, DeviceRows kv, int layer, LatentAttention attention, DeviceRope rope) =>
        throw NoExperts();

    public void AttendLatent(
        DeviceRows absorbed, DeviceRows q, int layer, LatentAttention attention, DeviceRoutes routes, DeviceRows y) => throw NoExperts();

    public void AddGated(DeviceRows y, DeviceRows gate, DeviceRows x) => throw NoExperts();

    public void GateClamped(ClampedGate gate, DeviceRows x, DeviceRows y) => throw NoExperts();

    public DeviceRope CreateRope(RopeDescription rope) => new Rope(_left.CreateRope(rope), _right.CreateRope(rope));

    public void CompleteLoading(DecoderShape decoder)
    {
        _left.CompleteLoading(decoder);
        _right.CompleteLoading(decoder);
    }

    public void BeginStep(StepPlan plan)
    {
        _left.BeginStep(plan);
        _right.BeginStep(plan);
    }

    public void Embed(DeviceTable table, int target, DeviceRows x)
    {
        _left.Embed(((Table)table).Left, target, Left(x));
        _right.Embed(((Table)table).Right, target, Right(x));
        Compare(x);
    }

    public void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y)
    {
        _left.Norm(Left(x), Left(weight), epsilon, Left(y));
        _right.Norm(Right(x), Right(weight), epsilon, Right(y));
        Compare(y);
    }

    public void LayerNorm(DeviceRows x, DeviceVector weight, DeviceVector? bias, float epsilon, DeviceRows y)
    {
        _left.LayerNorm(Left(x), Left(weight), bias is null ? null : Left(bias), epsilon, Left(y));
        _right.LayerNorm(Right(x), Right(weight), bias is null ? null : Right(bias), epsilon, Right(y));
        Compare(y);
    }

    public void Rotate(DeviceRows x, int firstColumn, int heads, int headDim, DeviceRope rope)
    {
        _left.Rotate(Left(x), firstColumn, heads, headDim, ((Rope)rope).Left);
        _right.Rotate(Right(x), firstColumn, heads, headDim, ((Rope)rope).Right);
        Compare(x);
    }

    public void ScaleByPosition(PositionScale scale, DeviceRows x, int columns)
    {
        _left.ScaleByPosition(scale, Left(x), columns);
        _right.ScaleByPosition(scale, Right(x), columns);
        Compare(x);
    }

    public void Apply(ElementFunction function, DeviceRows x, int firstColumn, int columns)
    {
        _left.Apply(function, Left(x), firstColumn, columns);
        _right.Apply(function, Right(x), firstColumn, columns);
        Compare(x);
    }

    public void Multiply(DeviceRows y, int yColumn, DeviceRows x, int xColumn, int columns)
    {
        _left.Multiply(Left(y), yColumn, Left(x), xColumn, columns);
        _right.Multiply(Right(y), yColumn, Right(x), xColumn, columns);
        Compare(y);
    }

    public void Convolve(DeviceRows x, int firstColumn, ShortConvolution convolution, int state, DeviceRows y)
    {
        _left.Convolve(Left(x), firstColumn, Side(convolution, Left), state, Left(y));
        _right.Convolve(Right(x), firstColumn, Side(convolution, Right), state, Right(y));
        Compare(y);

        static ShortConvolution Side(ShortConvolution both, Func<DeviceVector, DeviceVector> side) =>
            both with { Weight = side(both.Weight), Bias = both.Bias is null ? null : side(both.Bias) };
    }

    public void Regroup(DeviceRows x, ImmutableArray<ColumnRun> runs, DeviceRows y)
    {
        _left.Regroup(Left(x), runs, Left(y));
        _right.Regroup(Right(x), runs, Right(y));
        Compare(y);
    }

    public void Recur(DeviceRows x, DeviceRows steps, LoadedRecurrence recurrence, int state, DeviceRows y)
    {
        _left.Recur(Left(x), Left(steps), Side(recurrence, Left), state, Left(y));
        _right.Recur(Right(x), Right(steps), Side(recurrence, Right), state, Right(y));
        Compare(y);

        static LoadedRecurrence Side(LoadedRecurrence both, Func<DeviceVector, DeviceVector> side) => new(
            both.Shape, side(both.Rate), side(both.Bias), both.Skip is null ? null : side(both.Skip));
    }

    public void NormGated(
        DeviceRows x, int heads, DeviceVector weight, float epsilon, DeviceRows gates, int gateColumn, bool gatesFirst)
    {
        _left.NormGated(Left(x), heads, Left(weight), epsilon, Left(gates), gateColumn, gatesFirst);
        _right.NormGated(Right(x), heads, Right(weight), epsilon, Right(gates), gateColumn, gatesFirst);
        Compare(x);
    }

    public void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon)
    {
        _left.NormHeads(Left(x), firstColumn, heads, Left(weight), epsilon);
        _right.NormHeads(Right(x), firstColumn, heads, Right(weight), epsilon);
        Compare(x);
    }

    public void Linear(LinearGroup group, DeviceRows x, DeviceRows y)
    {
        _left.Linear(Side(group, left: true), Left(x), Left(y));
        _right.Linear(Side(group, left: false), Right(x), Right(y));
        Compare(y);
    }

    public void RotateAndStore(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRope rope)
    {
        _left.RotateAndStore(Left(qkv), layer, attention, ((Rope)rope).Left);
        _right.RotateAndStore(Right(qkv), layer, attention, ((Rope)rope).Right);
        Compare(qkv);
    }

    public void Attend(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRows y, DeviceVector? sinks = null)
    {
        _left.Attend(Left(qkv), layer, attention, Left(y));
        _right.Attend(Right(qkv), layer, attention, Right(y));
        Compare(y);
    }

    public void Gate(Activation activation, DeviceRows x, DeviceRows y)
    {
        _left.Gate(activation, Left(x), Left(y));
        _right.Gate(activation, Right(x), Right(y));
        Compare(y);
    }

    public void Add(DeviceRows x, DeviceRows y)
    {
        _left.Add(Left(x), Left(y));
        _right.Add(Right(x), Right(y));
        Compare(x);
    }

    public void AddNorm(DeviceRows x, DeviceRows y, DeviceVector weight, float epsilon, DeviceRows z)
    {
        _left.AddNorm(Left(x), Left(y), Left(weight), epsilon, Left(z));
        _right.AddNorm(Right(x), Right(y), Right(weight), epsilon, Right(z));
        Compare(z);
    }

    public void GatherOutputs(DeviceRows x, DeviceRows y)
    {
        _left.GatherOutputs(Left(x), Left(y));
        _right.GatherOutputs(Right(x), Right(y));
        Compare(y);
    }

    public void Choose(DeviceRows logits)
    {
    }

    public int Chosen(int output) => -1;

    public void EndStep(DeviceRows logits)
    {
        _left.EndStep(Left(logits));
        _right.EndStep(Right(logits));
    }

    public Span<float> Logits(DeviceRows logits, int output) => _left.Logits(Left(logits), output);

    public Exception? FaultOf(Exception error) => _left.FaultOf(error) ?? _right.FaultOf(error);

    public void Dispose()
    {
        _left.Dispose();
        _right.Dispose();
    }

    private static NotSupportedException NoExperts() => new("The models of these tests have no experts.");

    private static DeviceRows Left(DeviceRows rows) => ((Rows)rows).Left;

    private static DeviceRows Right(DeviceRows rows) => ((Rows)rows).Right;

    private static DeviceVector Left(DeviceVector vector) => ((Vector)vector).Left;

    private static DeviceVector Right(DeviceVector vector) => ((Vector)vector).Right;

    private static LinearGroup Side(LinearGroup group, bool left) => LinearGroup.Of(
        [.. group.Parts.Select(part => new LinearPart(
            left ? ((Matrix)part.Weight).Left : ((Matrix)part.Weight).Right,
            part.Bias is null ? null : left ? Left(part.Bias) : Right(part.Bias),
            part.Target))],
        group.Partition);

    private void Compare(DeviceRows rows)
    {
        float[][] left = ((ReferenceRows)Left(rows)).Values, right = ((ReferenceRows)Right(rows)).Values;
        for (int row = 0; row < left.Length; row++)
        {
            if (!left[row].AsSpan().SequenceEqual(right[row]))
            {
                throw new InvalidOperationException($"Row {row} differs between the two devices.");
            }

            Compared++;
        }
    }

    private sealed class Matrix(DeviceMatrix left, DeviceMatrix right) : DeviceMatrix(left.Outputs, left.Inputs)
    {
        public DeviceMatrix Left { get; } = left;

        public DeviceMatrix Right { get; } = right;
    }

    private sealed class Table(DeviceTable left, DeviceTable right) : DeviceTable(left.Entries, left.Width)
    {
        public DeviceTable Left { get; } = left;

        public DeviceTable Right { get; } = right;
    }

    private sealed class Vector(DeviceVector left, DeviceVector right) : DeviceVector(left.Length)
    {
        public DeviceVector Left { get; } = left;

        public DeviceVector Right { get; } = right;
    }

    private sealed class Rows(DeviceRows left, DeviceRows right) : DeviceRows(left.Rows, left.Width)
    {
        public DeviceRows Left { get; } = left;

        public DeviceRows Right { get; } = right;
    }

    private sealed class Rope(DeviceRope left, DeviceRope right) : DeviceRope
    {
        public DeviceRope Left { get; } = left;

        public DeviceRope Right { get; } = right;
    }

    /// <summary>The pages of both: what is written goes to both, what is read must be the same.</summary>
    private sealed class Pair(IPageMemory left, IPageMemory right) : ForwardingPages(left)
    {
        public override bool IsMainMemory => false;

        public override void Write(int page, long offset, ReadOnlySpan<byte> source)
        {
            base.Write(page, offset, source);
            right.Write(page, offset, source);
        }

        public override long WriteBeside(int page, long offset, ReadOnlySpan<byte> source)
        {
            right.Write(page, offset, source);
            return base.WriteBeside(page, offset, source);
        }

        public override void Read(int page, long offset, Span<byte> destination)
        {
            base.Read(page, offset, destination);
            byte[] other = new byte[destination.Length];
            right.Read(page, offset, other);
            if (!destination.SequenceEqual(other))
            {
                throw new InvalidOperationException($"Page {page} differs between the two devices.");
            }
        }

        public override void Copy(int source, int destination)
        {
            base.Copy(source, destination);
            right.Copy(source, destination);
        }

        public override void Clear(int page)
        {
            base.Clear(page);
            right.Clear(page);
        }
    }
}
