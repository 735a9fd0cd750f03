using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Backends.Reference;

/// <summary>
/// The specification of every operation: scalar fp32, in the order in which the formula is read, never optimised. It is the oracle of all
/// kernel tests. Every product sums k = 0, 1, 2, … by fused multiply-add from 0, in each leaf of its inputs.
/// </summary>
internal sealed unsafe class ReferenceBackend : IBackend
{
    private readonly int _rowLimit;
    private readonly int _outputLimit;
    private readonly int[] _outputOfRow;
    private ReferencePageMemory? _pages;
    private KvLayout? _layout;
    private StepPlan _plan;

    /// <summary>
    /// Creates a backend for steps of at most <paramref name="rowLimit"/> rows, <paramref name="outputLimit"/> of them with logits.
    /// </summary>
    public ReferenceBackend(int rowLimit, int outputLimit)
    {
        _rowLimit = rowLimit;
        _outputLimit = outputLimit;
        _outputOfRow = new int[rowLimit];
        _plan = new StepPlan(0, 0);
    }

    public string Name => "Reference";

    public BackendStatus Status => new() { Name = Name };

    public string? Shortcoming => null;

    public IPageMemory Pages => PageMemory;

    private ReferencePageMemory PageMemory => _pages ?? throw new InvalidOperationException("The pages are not allocated yet.");

    private KvLayout Layout => _layout ?? throw new InvalidOperationException("The pages are not allocated yet.");

    public void AllocatePages(KvLayout layout, int pageCount)
    {
        _layout = layout;
        _pages = new ReferencePageMemory(pageCount, layout.PageBytes);
    }

    public void ReserveWeights(IEnumerable<long> sizes)
    {
    }

    public DeviceMatrix LoadMatrix(WeightSource source) => new ReferenceMatrix(source.Rows, source.Columns, source.Widened());

    public DeviceTable LoadTable(WeightSource source) => new ReferenceTable(source.Rows, source.Columns, source.Widened());

    public DeviceVector LoadVector(WeightSource source) => new ReferenceVector(source.Widened(), source.Target);

    public DeviceRows CreateRows(RowSet rows, int width) => new ReferenceRows(rows, width, rows == RowSet.Step ? _rowLimit : _outputLimit);

    public DeviceExperts LoadExperts(ExpertSources sources) => new ReferenceExperts(sources);

    public DeviceRoutes CreateRoutes(int experts, int chosen) => new ReferenceRoutes(experts, chosen, _rowLimit);

    public DeviceRows CreateRoutedRows(DeviceRoutes routes, int width) =>
        new ReferenceRows(RowSet.Routed, width, _rowLimit * routes.Chosen, routes.Chosen);

    public DeviceRope CreateRope(RopeDescription rope) => new ReferenceRope(rope);

    public void CompleteLoading(DecoderShape decoder)
    {
    }

    public void BeginStep(StepPlan plan)
    {
        _plan = plan;
        Array.Fill(_outputOfRow, -1);
        for (int output = 0; output < plan.OutputCount; output++)
        {
            _outputOfRow[plan.OutputRows[output]] = output;
        }
    }

    public void Embed(DeviceTable table, int target, DeviceRows x)
    {
        float[][] rows = Values(x);
        for (int t = 0; t < _plan.RowCount; t++)
        {
            // Tokens beyond the table are an adapter's.
            if (_plan.Tokens[t] < table.Entries)
            {
                ((ReferenceTable)table).Row(_plan.Tokens[t]).CopyTo(rows[t]);
            }
        }

        ReferenceChanges.Embed(_plan, target, PageMemory, rows);
        for (int pass = 0; pass < _plan.Lora.Passes; pass++)
        {
            ReferenceLora.Embed(_plan, pass, target, PageMemory, rows);
            ReferenceChanges.Sum(_plan, pass, target, PageMemory, null, rows, 0);
        }
    }

    public void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y)
    {
        float[]?[]? own = ReferenceChanges.NormWeights(_plan, weight.Target, PageMemory, RowMap(x));
        for (int t = 0; t < Count(x); t++)
        {
            NormInto(Values(x)[t], own?[t] ?? ((ReferenceVector)weight).Values, epsilon, Values(y)[t]);
        }
    }

    public void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon)
    {
        float[]?[]? own = ReferenceChanges.NormWeights(_plan, weight.Target, PageMemory, RowMap(x));
        for (int t = 0; t < Count(x); t++)
        {
            for (int h = 0; h < heads; h++)
            {
                Span<float> head = Values(x)[t].AsSpan(firstColumn + (h * weight.Length), weight.Length);
                NormInto(head, own?[t] ?? ((ReferenceVector)weight).Values, epsilon, head);
            }
        }
    }

    public void LayerNorm(DeviceRows x, DeviceVector weight, DeviceVector? bias, float epsilon, DeviceRows y)
    {
        float[]? shift = ((ReferenceVector?)bias)?.Values;
        float[]?[]? own = ReferenceChanges.NormWeights(_plan, weight.Target, PageMemory, RowMap(x));
        for (int t = 0; t < Count(x); t++)
        {
            float[] row = Values(x)[t], factors = own?[t] ?? ((ReferenceVector)weight).Values;
            float sum = 0;
            for (int i = 0; i < x.Width; i++)
            {
                sum += row[i];
            }

            float mean = sum / x.Width;
            float squares = 0;
            for (int i = 0; i < x.Width; i++)
            {
                squares = MathF.FusedMultiplyAdd(row[i] - mean, row[i] - mean, squares);
            }

            float scale = 1 / MathF.Sqrt((squares / x.Width) + epsilon);
            for (int i = 0; i < x.Width; i++)
            {
                Values(y)[t][i] = ((row[i] - mean) * scale * factors[i]) + (shift?[i] ?? 0);
            }
        }

        for (int pass = 0; pass < _plan.Lora.Passes; pass++)
        {
            ReferenceChanges.Sum(_plan, pass, weight.Target, PageMemory, RowMap(x), Values(y), 0);
        }
    }

    public void Linear(LinearGroup group, DeviceRows x, DeviceRows y)
    {
        for (int p = 0; p < group.Parts.Length; p++)
        {
            var weight = (ReferenceMatrix)group.Parts[p].Weight;
            var bias = (ReferenceVector?)group.Parts[p].Bias;
            for (int t = 0; t < Count(x); t++)
            {
                for (int n = 0; n < weight.Outputs; n++)
                {
                    float sum = Dot(Values(x)[t], weight.Row(n), group.InputBorders.AsSpan());
                    Values(y)[t][group.Offsets[p] + n] = bias is null ? sum : sum + bias.Values[n];
                }
            }

            (int target, int column) = (group.Parts[p].Target, group.Offsets[p]);
            ReferenceChanges.Product(_plan, target, PageMemory, RowMap(x), Values(x), Values(y), column);
            for (int pass = 0; pass < _plan.Lora.Passes; pass++)
            {
                ReferenceLora.Linear(_plan, pass, target, PageMemory, RowMap(x), Values(x), Values(y), column);
                ReferenceChanges.Sum(_plan, pass, target, PageMemory, RowMap(x), Values(y), column);
            }
        }
    }

    public void Rotate(DeviceRows x, int firstColumn, int heads, int headDim, DeviceRope rope)
    {
        foreach (StepSlice slice in _plan.Slices)
        {
            for (int i = 0; i < slice.RowCount; i++)
            {
                int position = slice.FirstPosition + i;
                for (int h = 0; h < heads; h++)
                {
                    Span<float> head = Values(x)[slice.FirstRow + i].AsSpan(firstColumn + (h * headDim), headDim);
                    Rotate(head, (ReferenceRope)rope, position, slice.LengthAt(position));
                }
            }
        }
    }

    public void ScaleByPosition(PositionScale scale, DeviceRows x, int columns)
    {
        for (int t = 0; t < _plan.RowCount; t++)
        {
            for (int i = 0; i < columns; i++)
            {
                Values(x)[t][i] *= scale.At(_plan.Positions[t]);
            }
        }
    }

    public void RotateAndStore(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRope rope)
    {
        foreach (StepSlice slice in _plan.Slices)
        {
            for (int i = 0; i < slice.RowCount; i++)
            {
                int position = slice.FirstPosition + i;
                float[] row = Values(qkv)[slice.FirstRow + i];
                for (int h = 0; h < attention.Heads + attention.KeyValueHeads; h++)
                {
                    Rotate(row.AsSpan(h * attention.HeadDim, attention.HeadDim), (ReferenceRope)rope, position, slice.LengthAt(position));
                }

                ReferenceAttention.Store(row, PageOf(slice, position, layer), Layout, layer, attention, position % Layout.PageTokens);
            }
        }
    }

    public void Attend(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRows y, DeviceVector? sinks = null)
    {
        foreach (StepSlice slice in _plan.Slices)
        {
            for (int i = 0; i < slice.RowCount; i++)
            {
                int position = slice.FirstPosition + i;
                int first = attention.FirstVisible(position);
                for (int h = 0; h < attention.Heads; h++)
                {
                    int kvHead = (attention.FirstHead + h) / attention.HeadsPerKey;
                    ReadOnlySpan<float> q = Values(qkv)[slice.FirstRow + i].AsSpan(h * attention.HeadDim, attention.HeadDim);
                    Span<float> output = Values(y)[slice.FirstRow + i].AsSpan(h * attention.HeadDim, attention.HeadDim);
                    StepSlice s = slice;
                    ReferenceAttention.Attend(
                        q, output, first, position, attention,
                        (j, d) => ReferenceAttention.Key(
                            PageOf(s, j, layer), Layout, layer, attention.HeadDim, kvHead, j % Layout.PageTokens, d),
                        (j, d) => ReferenceAttention.Value(
                            PageOf(s, j, layer), Layout, layer, attention.HeadDim, kvHead, j % Layout.PageTokens, d),
                        (sinks as ReferenceVector)?.Values[h]);
                }
            }
        }
    }

    public void Gate(Activation activation, DeviceRows x, DeviceRows y)
    {
        int width = y.Width;
        for (int t = 0; t < Count(x); t++)
        {
            for (int i = 0; i < width; i++)
            {
                Values(y)[t][i] = ReferenceFunctions.Of(ElementFunction.Of(activation), Values(x)[t][i]) * Values(x)[t][width + i];
            }
        }
    }

    public void Apply(ElementFunction function, DeviceRows x, int firstColumn, int columns)
    {
        for (int t = 0; t < Count(x); t++)
        {
            for (int i = firstColumn; i < firstColumn + columns; i++)
            {
                Values(x)[t][i] = ReferenceFunctions.Of(function, Values(x)[t][i]);
            }
        }
    }

    public void GateClamped(ClampedGate gate, DeviceRows x, DeviceRows y)
    {
        for (int t = 0; t < Count(x); t++)
        {
            for (int i = 0; i < y.Width; i++)
            {
                float g = MathF.Min(Values(x)[t][2 * i], gate.Limit);
                float u = Math.Clamp(Values(x)[t][(2 * i) + 1], -gate.Limit, gate.Limit);
                Values(y)[t][i] = (u + 1) * g / (1 + MathF.Exp(-gate.Alpha * g));
            }
        }
    }

    public void Multiply(DeviceRows y, int yColumn, DeviceRows x, int xColumn, int columns)
    {
        for (int t = 0; t < Count(x); t++)
        {
            for (int i = 0; i < columns; i++)
            {
                Values(y)[t][yColumn + i] *= Values(x)[t][xColumn + i];
            }
        }
    }

    public void Convolve(DeviceRows x, int firstColumn, ShortConvolution convolution, int state, DeviceRows y)
    {
        StateBlock block = Layout.States[state];
        foreach (StepSlice slice in _plan.Slices)
        {
            StepSlice s = slice;
            ReferenceConvolution.Run(slice, Values(x), firstColumn, convolution, Part, Values(y));

            float* Part(int part) => (float*)(PageMemory.Page(_plan.StatePages(s)[block.PageOf(part)]) + block.OffsetOf(part));
        }
    }

    public void Regroup(DeviceRows x, ImmutableArray<ColumnRun> runs, DeviceRows y)
    {
        for (int t = 0; t < Count(x); t++)
        {
            foreach (ColumnRun run in runs)
            {
                for (int block = 0; block < run.Blocks; block++)
                {
                    Values(x)[t].AsSpan(run.From + (block * run.FromStride), run.Columns)
                        .CopyTo(Values(y)[t].AsSpan(run.To + (block * run.ToStride)));
                }
            }
        }
    }

    public void Recur(DeviceRows x, DeviceRows steps, LoadedRecurrence recurrence, int state, DeviceRows y)
    {
        StateBlock block = Layout.States[state];
        foreach (StepSlice slice in _plan.Slices)
        {
            for (int head = 0; head < recurrence.Shape.Heads; head++)
            {
                byte* page = PageMemory.Page(_plan.StatePages(slice)[block.PageOf(head)]);
                ReferenceRecurrence.Run(
                    slice, Values(x), Values(steps), recurrence, head, (float*)(page + block.OffsetOf(head)), Values(y));
            }
        }
    }

    public void NormGated(
        DeviceRows x, int heads, DeviceVector weight, float epsilon, DeviceRows gates, int gateColumn, bool gatesFirst)
    {
        int width = x.Width / heads;
        var silu = ElementFunction.Of(Activation.Silu);
        for (int t = 0; t < Count(x); t++)
        {
            for (int h = 0; h < heads; h++)
            {
                Span<float> head = Values(x)[t].AsSpan(h * width, width);
                ReadOnlySpan<float> z = Values(gates)[t].AsSpan(gateColumn + (h * width), width);
                ReadOnlySpan<float> own = ((ReferenceVector)weight).Values.AsSpan(weight.Length > width ? h * width : 0, width);
                if (!gatesFirst)
                {
                    NormInto(head, own, epsilon, head);
                }

                for (int i = 0; i < width; i++)
                {
                    head[i] *= ReferenceFunctions.Of(silu, z[i]);
                }

                if (gatesFirst)
                {
                    NormInto(head, own, epsilon, head);
                }
            }
        }
    }

    public void Add(DeviceRows x, DeviceRows y)
    {
        for (int t = 0; t < Count(x); t++)
        {
            for (int i = 0; i < x.Width; i++)
            {
                Values(x)[t][i] += Values(y)[t][i];
            }
        }
    }

    public void AddNorm(DeviceRows x, DeviceRows y, DeviceVector weight, float epsilon, DeviceRows z)
    {
        Add(x, y);
        Norm(x, weight, epsilon, z);
    }

    public void Route(DeviceRows logits, Routing routing, DeviceVector? correction, DeviceVector? factors, DeviceRoutes routes)
    {
        var chosen = (ReferenceRoutes)routes;
        for (int t = 0; t < Count(logits); t++)
        {
            ReferenceRouter.Choose(
                Values(logits)[t], routing, ((ReferenceVector?)correction)?.Values,
                chosen.Expert.AsSpan(t * routing.Chosen, routing.Chosen), chosen.Weight.AsSpan(t * routing.Chosen, routing.Chosen));
        }

        for (int choice = 0; factors is not null && choice < Count(logits) * routing.Chosen; choice++)
        {
            chosen.Weight[choice] *= ((ReferenceVector)factors).Values[chosen.Expert[choice]];
        }

        chosen.Group(Count(logits));
    }

    public void Spread(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y)
    {
        var chosen = (ReferenceRoutes)routes;
        for (int p = 0; p < Count(y); p++)
        {
            int choice = chosen.ChoiceOf[p];
            for (int i = 0; i < x.Width; i++)
            {
                float value = Values(x)[choice / routes.Chosen][i];
                Values(y)[p][i] = weighted ? value * chosen.Weight[choice] : value;
            }
        }
    }

    public void LinearOfExperts(ExpertLinear linear, DeviceRows x, DeviceRoutes routes, DeviceRows y)
    {
        var chosen = (ReferenceRoutes)routes;
        var weights = (ReferenceExperts)linear.Weights;
        for (int p = 0; p < Count(x); p++)
        {
            int expert = chosen.Expert[chosen.ChoiceOf[p]];
            for (int n = 0; n < weights.Outputs; n++)
            {
                float sum = Dot(Values(x)[p], weights.Row(expert, n));
                Values(y)[p][n] =
                    linear.Bias is null ? sum : sum + ((ReferenceVector)linear.Bias).Values[(expert * weights.Outputs) + n];
            }
        }

        ReferenceLora.Experts(_plan, linear.Targets, chosen, PageMemory, Values(x), Values(y));
    }

    public void Combine(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y)
    {
        var chosen = (ReferenceRoutes)routes;
        var experts = Split.OfExperts(routes.Experts);
        var leaves = new float[experts.Leaves];
        for (int t = 0; t < Count(y); t++)
        {
            for (int i = 0; i < y.Width; i++)
            {
                Array.Clear(leaves);
                for (int choice = t * routes.Chosen; choice < (t + 1) * routes.Chosen; choice++)
                {
                    float value = Values(x)[chosen.RowOf[choice]][i];
                    ref float sum = ref leaves[experts.LeafOf(chosen.Expert[choice])];
                    sum = weighted ? MathF.FusedMultiplyAdd(chosen.Weight[choice], value, sum) : sum + value;
                }

                Values(y)[t][i] = Tree(leaves);
            }
        }
    }

    public void RouteToAll(DeviceRoutes routes)
    {
        var all = (ReferenceRoutes)routes;
        for (int choice = 0; choice < _plan.RowCount * routes.Chosen; choice++)
        {
            all.Expert[choice] = choice % routes.Chosen;
            all.Weight[choice] = 1;
        }

        all.Group(_plan.RowCount);
    }

    public void TakeHeads(DeviceRows x, int firstColumn, int stride, DeviceRoutes routes, DeviceRows y)
    {
        var all = (ReferenceRoutes)routes;
        for (int p = 0; p < Count(y); p++)
        {
            (int row, int head) = Math.DivRem(all.ChoiceOf[p], routes.Chosen);
            Values(x)[row].AsSpan(firstColumn + (head * stride), y.Width).CopyTo(Values(y)[p]);
        }
    }

    public void PutHeads(DeviceRows x, DeviceRoutes routes, DeviceRows y)
    {
        var all = (ReferenceRoutes)routes;
        for (int p = 0; p < Count(x); p++)
        {
            (int row, int head) = Math.DivRem(all.ChoiceOf[p], routes.Chosen);
            Values(x)[p].AsSpan(0, x.Width).CopyTo(Values(y)[row].AsSpan(head * x.Width));
        }
    }

    public void RotateAndStoreLatent(DeviceRows q, DeviceRows kv, int layer, LatentAttention attention, DeviceRope rope)
    {
        foreach (StepSlice slice in _plan.Slices)
        {
            for (int i = 0; i < slice.RowCount; i++)
            {
                int position = slice.FirstPosition + i;
                float[] row = Values(kv)[slice.FirstRow + i];
                for (int h = 0; h < attention.Heads; h++)
                {
                    Span<float> query = Values(q)[slice.FirstRow + i].AsSpan(h * attention.QueryColumns, attention.QueryColumns);
                    ReferenceLatent.Rotate(query[attention.Plain..], (ReferenceRope)rope, position, attention.AdjacentPairs);
                }

                ReferenceLatent.Rotate(
                    row.AsSpan(attention.Latent, attention.Rotated), (ReferenceRope)rope, position, attention.AdjacentPairs);
                ReferenceLatent.Store(row, PageOf(slice, position, layer), Layout, layer, attention, position % Layout.PageTokens);
            }
        }
    }

    public void AttendLatent(
        DeviceRows absorbed, DeviceRows q, int layer, LatentAttention attention, DeviceRoutes routes, DeviceRows y)
    {
        var all = (ReferenceRoutes)routes;
        var query = new float[attention.KeyColumns];
        foreach (StepSlice slice in _plan.Slices)
        {
            for (int choice = slice.FirstRow * attention.Heads; choice < (slice.FirstRow + slice.RowCount) * attention.Heads; choice++)
            {
                (int row, int head) = Math.DivRem(choice, attention.Heads);
                int position = slice.FirstPosition + row - slice.FirstRow;
                Values(absorbed)[all.RowOf[choice]].AsSpan(0, attention.Latent).CopyTo(query);
                Values(q)[row].AsSpan((head * attention.QueryColumns) + attention.Plain, attention.Rotated)
                    .CopyTo(query.AsSpan(attention.Latent));
                StepSlice s = slice;
                ReferenceAttention.Element kept = (j, d) => ReferenceLatent.Element(
                    PageOf(s, j, layer), Layout, layer, attention, j % Layout.PageTokens, d);
                ReferenceAttention.Attend(
                    query, Values(y)[all.RowOf[choice]].AsSpan(0, attention.Latent), 0, position, attention.Grouped, kept, kept);
            }
        }
    }

    public void AddGated(DeviceRows y, DeviceRows gate, DeviceRows x)
    {
        for (int t = 0; t < Count(y); t++)
        {
            float weight = 1 / (1 + MathF.Exp(-Values(gate)[t][0]));
            for (int i = 0; i < y.Width; i++)
            {
                Values(y)[t][i] = MathF.FusedMultiplyAdd(weight, Values(x)[t][i], Values(y)[t][i]);
            }
        }
    }

    public void GatherOutputs(DeviceRows x, DeviceRows y)
    {
        for (int output = 0; output < _plan.OutputCount; output++)
        {
            Values(x)[_plan.OutputRows[output]].CopyTo(Values(y)[output], 0);
        }
    }

    public bool ChoosesTokens => false;

    public void Choose(DeviceRows logits)
    {
    }

    public int Chosen(int output) => -1;

    public void EndStep(DeviceRows logits)
    {
    }

    public Exception? FaultOf(Exception error) => null;

    public Span<float> Logits(DeviceRows logits, int output) => Values(logits)[output];

    public void Dispose() => _pages?.Dispose();

    private static float[][] Values(DeviceRows rows) => ((ReferenceRows)rows).Values;

    private static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> w) => Dot(x, w, [0, w.Length]);

    /// <summary>The sum over one leaf, or over the left half of the leaves plus that over the right half.</summary>
    private static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<int> borders)
    {
        int leaves = borders.Length - 1;
        if (leaves > 1)
        {
            return Dot(x, w, borders[..((leaves / 2) + 1)]) + Dot(x, w, borders[(leaves / 2)..]);
        }

        float sum = 0;
        for (int k = borders[0]; k < borders[1]; k++)
        {
            sum = MathF.FusedMultiplyAdd(x[k], w[k], sum);
        }

        return sum;
    }

    /// <summary>The sum of leaves: that of the left half plus that of the right half.</summary>
    private static float Tree(ReadOnlySpan<float> leaves) => leaves.Length == 1
        ? leaves[0]
        : Tree(leaves[..(leaves.Length / 2)]) + Tree(leaves[(leaves.Length / 2)..]);

    private static void NormInto(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, float epsilon, Span<float> y)
    {
        float squares = 0;
        for (int i = 0; i < x.Length; i++)
        {
            squares = MathF.FusedMultiplyAdd(x[i], x[i], squares);
        }

        float scale = 1 / MathF.Sqrt((squares / x.Length) + epsilon);
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = x[i] * scale * weight[i];
        }
    }

    private static void Rotate(Span<float> head, ReferenceRope rope, int position, int length)
    {
        RopeDescription description = rope.Description;
        float[] frequencies = new float[description.Pairs];
        description.Frequencies(length, frequencies);
        for (int i = 0; i < frequencies.Length; i++)
        {
            float cos = MathF.Cos(position * frequencies[i]) * description.AttentionFactor;
            float sin = MathF.Sin(position * frequencies[i]) * description.AttentionFactor;
            int one = i * description.PairStep, other = one + description.PairApart;
            (head[one], head[other]) = ((head[one] * cos) - (head[other] * sin), (head[other] * cos) + (head[one] * sin));
        }
    }

    private int Count(DeviceRows rows) => rows.Rows == RowSet.Output ? _plan.OutputCount : _plan.RowCount * rows.Copies;

    /// <summary>Step row → row of the operand, or -1; null where they are the same.</summary>
    private int[]? RowMap(DeviceRows rows) => rows.Rows == RowSet.Step ? null : _outputOfRow;

    private byte* PageOf(StepSlice slice, int position, int layer) => PageMemory.Page(
        _plan.PageTables[_plan.TableStart(slice, Layout.Layers[layer].Group) + (position / Layout.PageTokens)]);
}
