using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Core.Bench;

/// <summary>A device that computes nothing and always gives the same logits: what is left of a step is the loop around it.</summary>
internal sealed class FixedLogitsBackend : IBackend
{
    private float[] _logits = [];
    private NoPages? _pages;

    public string Name => "FixedLogits";

    public BackendStatus Status => new() { Name = Name };

    public string? Shortcoming => null;

    public IPageMemory Pages => _pages!;

    public void AllocatePages(KvLayout layout, int pageCount) => _pages = new NoPages(pageCount, layout.PageBytes);

    public bool ChoosesTokens => false;

    public void ReserveWeights(IEnumerable<long> sizes)
    {
    }

    public DeviceMatrix LoadMatrix(WeightSource source) => new Matrix(source.Rows, source.Columns);

    public DeviceTable LoadTable(WeightSource source) => new Table(source.Rows, source.Columns);

    public DeviceVector LoadVector(WeightSource source) => new Vector(source.Columns);

    public DeviceRows CreateRows(RowSet rows, int width) => new Rows(rows, width);

    public DeviceExperts LoadExperts(ExpertSources sources) => new Experts(sources.Experts, sources.Outputs, sources.Inputs);

    public DeviceRoutes CreateRoutes(int experts, int chosen) => new Routes(experts, chosen);

    public DeviceRows CreateRoutedRows(DeviceRoutes routes, int width) => new Rows(RowSet.Routed, width);

    public void Route(DeviceRows logits, Routing routing, DeviceVector? correction, DeviceVector? factors, DeviceRoutes routes)
    {
    }

    public void Spread(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y)
    {
    }

    public void LinearOfExperts(ExpertLinear linear, DeviceRows x, DeviceRoutes routes, DeviceRows y)
    {
    }

    public void Combine(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y)
    {
    }

    public void RouteToAll(DeviceRoutes routes)
    {
    }

    public void TakeHeads(DeviceRows x, int firstColumn, int stride, DeviceRoutes routes, DeviceRows y)
    {
    }

    public void PutHeads(DeviceRows x, DeviceRoutes routes, DeviceRows y)
    {
    }

    public void RotateAndStoreLatent(DeviceRows q, DeviceRows kv, int layer, LatentAttention attention, DeviceRope rope)
    {
    }

    public void AttendLatent(
        DeviceRows absorbed, DeviceRows q, int layer, LatentAttention attention, DeviceRoutes routes, DeviceRows y)
    {
    }

    public void AddGated(DeviceRows y, DeviceRows gate, DeviceRows x)
    {
    }

    public void GateClamped(ClampedGate gate, DeviceRows x, DeviceRows y)
    {
    }

    public DeviceRope CreateRope(RopeDescription rope) => new Rope();

    public void CompleteLoading(DecoderShape decoder)
    {
    }

    public void BeginStep(StepPlan plan)
    {
    }

    public void Embed(DeviceTable table, int target, DeviceRows x)
    {
    }

    public void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y)
    {
    }

    public void LayerNorm(DeviceRows x, DeviceVector weight, DeviceVector? bias, float epsilon, DeviceRows y)
    {
    }

    public void Rotate(DeviceRows x, int firstColumn, int heads, int headDim, DeviceRope rope)
    {
    }

    public void ScaleByPosition(PositionScale scale, DeviceRows x, int columns)
    {
    }

    public void Apply(ElementFunction function, DeviceRows x, int firstColumn, int columns)
    {
    }

    public void Multiply(DeviceRows y, int yColumn, DeviceRows x, int xColumn, int columns)
    {
    }

    public void Convolve(DeviceRows x, int firstColumn, ShortConvolution convolution, int state, DeviceRows y)
    {
    }

    public void Regroup(DeviceRows x, ImmutableArray<ColumnRun> runs, DeviceRows y)
    {
    }

    public void Recur(DeviceRows x, DeviceRows steps, LoadedRecurrence recurrence, int state, DeviceRows y)
    {
    }

    public void NormGated(
        DeviceRows x, int heads, DeviceVector weight, float epsilon, DeviceRows gates, int gateColumn, bool gatesFirst)
    {
    }

    public void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon)
    {
    }

    public void Linear(LinearGroup group, DeviceRows x, DeviceRows y)
    {
    }

    public void RotateAndStore(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRope rope)
    {
    }

    public void Attend(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRows y, DeviceVector? sinks = null)
    {
    }

    public void Gate(Activation activation, DeviceRows x, DeviceRows y)
    {
    }

    public void Add(DeviceRows x, DeviceRows y)
    {
    }

    public void AddNorm(DeviceRows x, DeviceRows y, DeviceVector weight, float epsilon, DeviceRows z)
    {
    }

    public void Choose(DeviceRows logits)
    {
    }

    public int Chosen(int output) => -1;

    public Exception? FaultOf(Exception error) => null;

    public void GatherOutputs(DeviceRows x, DeviceRows y)
    {
    }

    public void EndStep(DeviceRows logits)
    {
        if (_logits.Length != logits.Width)
        {
            var random = new Random(1);
            _logits = [.. Enumerable.Range(0, logits.Width).Select(_ => random.NextSingle())];
        }
    }

    public Span<float> Logits(DeviceRows logits, int output) => _logits;

    public void Dispose()
    {
    }

    private sealed class Matrix(int outputs, int inputs) : DeviceMatrix(outputs, inputs);

    private sealed class Table(int entries, int width) : DeviceTable(entries, width);

    private sealed class Vector(int length) : DeviceVector(length);

    private sealed class Rows(RowSet rows, int width) : DeviceRows(rows, width);

    private sealed class Experts(int experts, int outputs, int inputs) : DeviceExperts(experts, outputs, inputs);

    private sealed class Routes(int experts, int chosen) : DeviceRoutes(experts, chosen);

    private sealed class Rope : DeviceRope;

    private sealed class NoPages(int pageCount, long pageBytes) : MainMemoryPages
    {
        public override int PageCount => pageCount;

        public override long PageBytes => pageBytes;

        public override void Write(int page, long offset, ReadOnlySpan<byte> source)
        {
        }

        public override void Read(int page, long offset, Span<byte> destination)
        {
        }

        public override void Copy(int source, int destination)
        {
        }
    }
}
