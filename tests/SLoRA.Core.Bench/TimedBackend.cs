using System.Diagnostics;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Step;

namespace SLoRA.Core.Bench;

/// <summary>
/// Times every operation of a step that is run again and again, and counts what it cannot do without. Of each call the best time counts:
/// another program that takes the processor for a while spoils only what it meets.
/// </summary>
internal sealed class TimedBackend(IBackend backend, Shape shape, BaseWeights weights) : ForwardingBackend(backend)
{
    // Of adapters.
    private const int ElementBytes = 2;

    private StepPlan _plan = null!;
    private int _next;

    /// <summary>The operations of the step in order; give each kind of step its own list.</summary>
    public List<OperatorCall> Calls { get; set; } = [];

    /// <summary>The operations of the step, added up by name, in the order of their first call.</summary>
    public IEnumerable<OperatorCall> Operators => Calls.GroupBy(call => call.Name).Select(calls => new OperatorCall
    {
        Name = calls.Key,
        Seconds = calls.Sum(call => call.Seconds),
        ProductOperations = calls.Sum(call => call.ProductOperations),
        FloatOperations = calls.Sum(call => call.FloatOperations),
        Bytes = calls.Sum(call => call.Bytes),
    });

    /// <inheritdoc/>
    public override void BeginStep(StepPlan plan)
    {
        _plan = plan;
        _next = 0;
        Time("begin", () => Inner.BeginStep(plan));
    }

    /// <inheritdoc/>
    public override void Embed(DeviceTable table, int target, DeviceRows x) => Time("embed", () => Inner.Embed(table, target, x));

    /// <inheritdoc/>
    public override void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y) =>
        Time("norm", () => Inner.Norm(x, weight, epsilon, y));

    /// <inheritdoc/>
    public override void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon)
        => Time("head norms", () => Inner.NormHeads(x, firstColumn, heads, weight, epsilon));

    /// <inheritdoc/>
    public override void Linear(LinearGroup group, DeviceRows x, DeviceRows y)
    {
        OperatorCall call = Time(
            shape.Products().First(product => product.Inputs == group.Inputs && product.Outputs.Sum() == group.Outputs).Name,
            () => Inner.Linear(group, x, y));
        int rows = x.Rows == RowSet.Step ? _plan.RowCount : _plan.OutputCount;
        double elements = (double)group.Inputs * group.Outputs;
        call.ProductOperations = 2 * elements * rows;
        call.Bytes = elements * weights.Bytes;
        call.FloatOperations = 0;
        foreach (WorkChunk chunk in _plan.Lora.Chunks)
        {
            foreach (LinearPart part in group.Parts)
            {
                if (chunk.Adapter.Directory.Modules[part.Target] is ModuleTiles tiles)
                {
                    double size = (double)tiles.Rank * (tiles.A.Columns + tiles.B.Columns);
                    call.FloatOperations += 2 * size * chunk.Count;
                    call.Bytes += size * ElementBytes;
                }
            }
        }
    }

    /// <inheritdoc/>
    public override void Route(
        DeviceRows logits, Routing routing, DeviceVector? correction, DeviceVector? factors, DeviceRoutes routes) =>
        Time("route", () => Inner.Route(logits, routing, correction, factors, routes));

    /// <inheritdoc/>
    public override void Spread(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y) =>
        Time("spread", () => Inner.Spread(x, routes, weighted, y));

    /// <summary>What cannot be done without are the weights, and the adapters' factors, of the experts that somebody has chosen.</summary>
    /// <inheritdoc/>
    public override void LinearOfExperts(ExpertLinear linear, DeviceRows x, DeviceRoutes routes, DeviceRows y)
    {
        OperatorCall call = Time(y.Width == shape.Hidden ? "experts down" : "experts gate+up",
            () => Inner.LinearOfExperts(linear, x, routes, y));
        var routed = (CpuRoutes)routes;
        ReadOnlySpan<int> starts = routed.Starts;
        int chosen = 0;
        for (int expert = 0; expert + 1 < starts.Length; expert++)
        {
            chosen += starts[expert + 1] > starts[expert] ? 1 : 0;
        }

        double elements = (double)x.Width * y.Width;
        call.ProductOperations = 2 * elements * starts[^1];
        call.Bytes = elements * chosen * weights.Bytes;
        call.FloatOperations = 0;
        var experts = new HashSet<int>();
        foreach (WorkChunk chunk in _plan.Lora.Chunks)
        {
            foreach (ExpertTargets part in linear.Targets)
            {
                if (chunk.Adapter.Directory.Modules[part.FirstTarget] is ModuleTiles tiles)
                {
                    experts.Clear();
                    foreach (WorkEntry entry in _plan.Lora.Entries.Slice(chunk.First, chunk.Count))
                    {
                        foreach (int expert in routed.Expert.Slice(entry.Row * routed.Chosen, routed.Chosen))
                        {
                            experts.Add(expert);
                        }
                    }

                    double size = (double)tiles.Rank * (tiles.A.Columns + tiles.B.Columns);
                    call.FloatOperations += 2 * size * chunk.Count * routed.Chosen;
                    call.Bytes += size * ElementBytes * experts.Count;
                }
            }
        }
    }

    /// <inheritdoc/>
    public override void Combine(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y) =>
        Time("combine", () => Inner.Combine(x, routes, weighted, y));

    /// <inheritdoc/>
    public override void RotateAndStore(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRope rope)
        => Time("rotate+store", () => Inner.RotateAndStore(qkv, layer, attention, rope));

    /// <inheritdoc/>
    public override void Attend(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRows y, DeviceVector? sinks = null)
    {
        OperatorCall call = Time("attention", () => Inner.Attend(qkv, layer, attention, y, sinks));
        double positions = 0;
        foreach (int position in _plan.Positions)
        {
            positions += position + 1;
        }

        double read = 0;
        foreach (StepSlice slice in _plan.Slices)
        {
            read += slice.FirstPosition + slice.RowCount;
        }

        call.FloatOperations = 4 * positions * attention.Heads * attention.HeadDim;
        double headBytes = weights.Cache switch
        {
            CacheType.Int8 => attention.HeadDim + sizeof(float),
            CacheType.Float32 => attention.HeadDim * sizeof(float),
            _ => attention.HeadDim * 2,
        };
        call.Bytes = 2 * read * attention.KeyValueHeads * headBytes;
    }

    /// <inheritdoc/>
    public override void Gate(Activation activation, DeviceRows x, DeviceRows y) => Time("gate", () => Inner.Gate(activation, x, y));

    /// <inheritdoc/>
    public override void Add(DeviceRows x, DeviceRows y) => Time("add", () => Inner.Add(x, y));

    /// <inheritdoc/>
    public override void AddNorm(DeviceRows x, DeviceRows y, DeviceVector weight, float epsilon, DeviceRows z)
        => Time("add+norm", () => Inner.AddNorm(x, y, weight, epsilon, z));

    /// <inheritdoc/>
    public override void GatherOutputs(DeviceRows x, DeviceRows y) => Time("gather", () => Inner.GatherOutputs(x, y));

    private OperatorCall Time(string name, Action run)
    {
        long start = Stopwatch.GetTimestamp();
        run();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (_next == Calls.Count)
        {
            Calls.Add(new OperatorCall { Name = name, Seconds = double.MaxValue });
        }

        OperatorCall call = Calls[_next++];
        call.Seconds = Math.Min(call.Seconds, seconds);
        return call;
    }
}
