using System.Diagnostics;
using SLoRA.Adapters;
using SLoRA.Backends;
using SLoRA.Engine;
using SLoRA.Models;

namespace SLoRA.Core.Bench;

/// <summary>
/// Times every operation of a step that is run again and again, and counts what it cannot do without. Of each call the best time counts: another program
/// that takes the processor for a while spoils only what it meets.
/// </summary>
internal sealed class TimedBackend(IBackend backend, Shape shape, BaseWeights weights) : IBackend
{
    private const int ElementBytes = 2;

    private StepPlan _plan = null!;
    private int _next;

    /// <inheritdoc/>
    public string Name => backend.Name;

    /// <inheritdoc/>
    public IPageMemory Pages => backend.Pages;

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
    public void BeginStep(StepPlan plan)
    {
        _plan = plan;
        _next = 0;
        Time("begin", () => backend.BeginStep(plan));
    }

    /// <inheritdoc/>
    public void Embed(DeviceTable table, int target, DeviceRows x) => Time("embed", () => backend.Embed(table, target, x));

    /// <inheritdoc/>
    public void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y) => Time("norm", () => backend.Norm(x, weight, epsilon, y));

    /// <inheritdoc/>
    public void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon)
        => Time("head norms", () => backend.NormHeads(x, firstColumn, heads, weight, epsilon));

    /// <inheritdoc/>
    public void Linear(LinearGroup group, DeviceRows x, DeviceRows y)
    {
        OperatorCall call = Time(
            shape.Products().First(product => product.Inputs == group.Inputs && product.Outputs.Sum() == group.Outputs).Name,
            () => backend.Linear(group, x, y));
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
    public void RotateAndStore(DeviceRows qkv, int layer, AttentionDescription attention, DeviceRope rope)
        => Time("rotate+store", () => backend.RotateAndStore(qkv, layer, attention, rope));

    /// <inheritdoc/>
    public void Attend(DeviceRows qkv, int layer, AttentionDescription attention, DeviceRows y)
    {
        OperatorCall call = Time("attention", () => backend.Attend(qkv, layer, attention, y));
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
        call.Bytes = 2 * read * attention.KeyValueHeads * attention.HeadDim * ElementBytes;
    }

    /// <inheritdoc/>
    public void Gate(DeviceRows x, DeviceRows y) => Time("gate", () => backend.Gate(x, y));

    /// <inheritdoc/>
    public void Add(DeviceRows x, DeviceRows y) => Time("add", () => backend.Add(x, y));

    /// <inheritdoc/>
    public void AddNorm(DeviceRows x, DeviceRows y, DeviceVector weight, float epsilon, DeviceRows z)
        => Time("add+norm", () => backend.AddNorm(x, y, weight, epsilon, z));

    /// <inheritdoc/>
    public void GatherOutputs(DeviceRows x, DeviceRows y) => Time("gather", () => backend.GatherOutputs(x, y));

    /// <inheritdoc/>
    public void EndStep(DeviceRows logits) => backend.EndStep(logits);

    /// <inheritdoc/>
    public Span<float> Logits(DeviceRows logits, int output) => backend.Logits(logits, output);

    /// <inheritdoc/>
    public void AllocatePages(KvLayout layout, int pageCount) => backend.AllocatePages(layout, pageCount);

    /// <inheritdoc/>
    public DeviceMatrix LoadMatrix(WeightSource source) => backend.LoadMatrix(source);

    /// <inheritdoc/>
    public DeviceTable LoadTable(WeightSource source) => backend.LoadTable(source);

    /// <inheritdoc/>
    public DeviceVector LoadVector(WeightSource source) => backend.LoadVector(source);

    /// <inheritdoc/>
    public DeviceRows CreateRows(RowSet rows, int width) => backend.CreateRows(rows, width);

    /// <inheritdoc/>
    public DeviceRope CreateRope(RopeDescription rope) => backend.CreateRope(rope);

    /// <inheritdoc/>
    public void Dispose() => backend.Dispose();

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
