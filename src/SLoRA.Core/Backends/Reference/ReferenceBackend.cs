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

    public DeviceVector LoadVector(WeightSource source) => new ReferenceVector(source.Widened());

    public DeviceRows CreateRows(RowSet rows, int width) => new ReferenceRows(rows, width, rows == RowSet.Step ? _rowLimit : _outputLimit);

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
            ((ReferenceTable)table).Row(_plan.Tokens[t]).CopyTo(rows[t]);
        }

        ReferenceLora.Embed(_plan, target, PageMemory, rows);
    }

    public void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y)
    {
        for (int t = 0; t < Count(x); t++)
        {
            NormInto(Values(x)[t], ((ReferenceVector)weight).Values, epsilon, Values(y)[t]);
        }
    }

    public void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon)
    {
        for (int t = 0; t < Count(x); t++)
        {
            for (int h = 0; h < heads; h++)
            {
                Span<float> head = Values(x)[t].AsSpan(firstColumn + (h * weight.Length), weight.Length);
                NormInto(head, ((ReferenceVector)weight).Values, epsilon, head);
            }
        }
    }

    public void LayerNorm(DeviceRows x, DeviceVector weight, DeviceVector? bias, float epsilon, DeviceRows y)
    {
        float[]? shift = ((ReferenceVector?)bias)?.Values;
        for (int t = 0; t < Count(x); t++)
        {
            float[] row = Values(x)[t];
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
                Values(y)[t][i] = ((row[i] - mean) * scale * ((ReferenceVector)weight).Values[i]) + (shift?[i] ?? 0);
            }
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

            ReferenceLora.Linear(_plan, group.Parts[p].Target, PageMemory, RowMap(x), Values(x), Values(y), group.Offsets[p]);
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

                ReferenceAttention.Store(row, PageOf(slice, position), Layout, layer, attention, position % Layout.PageTokens);
            }
        }
    }

    public void Attend(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRows y)
    {
        foreach (StepSlice slice in _plan.Slices)
        {
            for (int i = 0; i < slice.RowCount; i++)
            {
                int position = slice.FirstPosition + i;
                int first = attention.Window is { } window ? Math.Max(0, position - window + 1) : 0;
                for (int h = 0; h < attention.Heads; h++)
                {
                    int kvHead = (attention.FirstHead + h) / attention.HeadsPerKey;
                    ReadOnlySpan<float> q = Values(qkv)[slice.FirstRow + i].AsSpan(h * attention.HeadDim, attention.HeadDim);
                    Span<float> output = Values(y)[slice.FirstRow + i].AsSpan(h * attention.HeadDim, attention.HeadDim);
                    StepSlice s = slice;
                    ReferenceAttention.Attend(
                        q, output, first, position, attention,
                        (j, d) => ReferenceAttention.Key(PageOf(s, j), Layout, layer, attention.HeadDim, kvHead, j % Layout.PageTokens, d),
                        (j, d) =>
                            ReferenceAttention.Value(PageOf(s, j), Layout, layer, attention.HeadDim, kvHead, j % Layout.PageTokens, d));
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

    private int Count(DeviceRows rows) => rows.Rows == RowSet.Step ? _plan.RowCount : _plan.OutputCount;

    /// <summary>Step row → row of the operand, or -1; null where they are the same.</summary>
    private int[]? RowMap(DeviceRows rows) => rows.Rows == RowSet.Step ? null : _outputOfRow;

    private byte* PageOf(StepSlice slice, int position) =>
        PageMemory.Page(_plan.PageTables[slice.TableStart + (position / Layout.PageTokens)]);
}
