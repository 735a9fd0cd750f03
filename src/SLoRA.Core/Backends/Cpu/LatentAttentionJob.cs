using System.Runtime.Intrinsics;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Attention over latents with an online softmax: a part is one row and up to 8 heads, which share blocks of 64 positions that were brought
/// to fp32. Blocks are counted from position 0, so a row's result does not depend on what else is in the step.
/// </summary>
internal sealed unsafe class LatentAttentionJob(int workers) : ComputeJob, IDisposable
{
    private const int Block = 64;
    private const int PartHeads = 8;

    private AlignedMemory _memory = new(0);
    private int[] _rowSlice = [];
    private StepPlan _plan = null!;
    private CpuRows _absorbed = null!;
    private CpuRows _q = null!;
    private CpuRows _y = null!;
    private CpuRoutes _routes = null!;
    private LatentAttention _attention = null!;
    private CpuPageMemory _pages = null!;
    private KvLayout _layout = null!;
    private LayerBlock _block;
    private int _headParts;
    private nint _keyStride;
    private nint _scratchFloats;

    /// <summary>Sets the next layer and says in how many parts it comes.</summary>
    public int Prepare(
        StepPlan plan, CpuRows absorbed, CpuRows q, CpuRoutes routes, CpuRows y, LatentAttention attention, CpuPageMemory pages,
        KvLayout layout, int layer)
    {
        _plan = plan;
        _absorbed = absorbed;
        _q = q;
        _routes = routes;
        _y = y;
        _attention = attention;
        _pages = pages;
        _layout = layout;
        _block = layout.Layers[layer];
        _headParts = (attention.Heads + PartHeads - 1) / PartHeads;
        _keyStride = (attention.KeyColumns + Lanes.Count - 1) & -Lanes.Count;
        _scratchFloats = (Block * _keyStride) + (PartHeads * (Block + Lanes.Count));
        long bytes = workers * _scratchFloats * sizeof(float);
        if (_memory.Bytes < bytes)
        {
            _memory.Dispose();
            _memory = new AlignedMemory(bytes);
        }

        FindSlices();
        return plan.RowCount * _headParts;
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        float* scratch = _memory.Floats + (worker * _scratchFloats);
        switch (_layout.Type)
        {
            case TensorType.F32:
                Attend<F32Elements>(part, scratch);
                break;
            case TensorType.F16:
                Attend<F16Elements>(part, scratch);
                break;
            case TensorType.BF16:
                Attend<Bf16Elements>(part, scratch);
                break;
            default:
                throw UnservedType.Error(_layout.Type);
        }
    }

    /// <summary>Frees the scratch memory.</summary>
    public void Dispose() => _memory.Dispose();

    private void FindSlices()
    {
        if (_rowSlice.Length < _plan.RowCount)
        {
            _rowSlice = new int[Math.Max(_plan.RowCount, 2 * _rowSlice.Length)];
        }

        ReadOnlySpan<StepSlice> slices = _plan.Slices;
        for (int slice = 0; slice < slices.Length; slice++)
        {
            _rowSlice.AsSpan(slices[slice].FirstRow, slices[slice].RowCount).Fill(slice);
        }
    }

    private void Attend<T>(int part, float* scratch)
        where T : struct, IElements
    {
        (int row, int headPart) = Math.DivRem(part, _headParts);
        int firstHead = headPart * PartHeads;
        int heads = Math.Min(PartHeads, _attention.Heads - firstHead);
        StepSlice slice = _plan.Slices[_rowSlice[row]];
        int end = slice.FirstPosition + row - slice.FirstRow + 1;
        float* keys = scratch;
        float* scores = keys + (Block * _keyStride);
        float* state = scores + (PartHeads * Block);
        for (int head = 0; head < heads; head++)
        {
            new Span<float>(Result(row, firstHead + head), _attention.Latent).Clear();
            state[2 * head] = float.NegativeInfinity;
            state[(2 * head) + 1] = 0;
        }

        for (int start = 0; start < end; start += Block)
        {
            int count = Math.Min(Block, end - start);
            Load<T>(slice, start, count, keys);
            for (int head = 0; head < heads; head++)
            {
                Add(row, firstHead + head, count, keys, scores + (head * Block), state + (2 * head));
            }
        }

        for (int head = 0; head < heads; head++)
        {
            float* y = Result(row, firstHead + head);
            float weights = state[(2 * head) + 1];
            for (int i = 0; i < _attention.Latent; i++)
            {
                y[i] /= weights;
            }
        }
    }

    private float* Result(int row, int head) => _y.Row(_routes.RowOf[(row * _attention.Heads) + head]);

    private void Load<T>(StepSlice slice, int start, int count, float* keys)
        where T : struct, IElements
    {
        int columns = _attention.KeyColumns;
        ReadOnlySpan<int> tables = _plan.PageTables;
        int table = _plan.TableStart(slice, _block.Group);
        for (int token = 0; token < count; token++)
        {
            (int page, int place) = Math.DivRem(start + token, _layout.PageTokens);
            byte* source = _pages.Address(tables[table + page]) + _block.KeyOffset + ((nint)place * columns * T.Size);
            float* key = keys + (token * _keyStride);
            int i = 0;
            for (; i + Lanes.Count <= columns; i += Lanes.Count)
            {
                T.Load16(source + (i * T.Size)).Store(key + i);
            }

            for (; i < columns; i++)
            {
                key[i] = T.Load(source + (i * T.Size));
            }
        }
    }

    /// <summary>Adds a block to what a head has so far.</summary>
    private void Add(int row, int head, int count, float* keys, float* scores, float* state)
    {
        float* absorbed = _absorbed.Row(_routes.RowOf[(row * _attention.Heads) + head]);
        float* rotated = _q.Row(row) + (head * _attention.QueryColumns) + _attention.Plain;
        float largest = state[0];
        for (int token = 0; token < count; token++)
        {
            float* key = keys + (token * _keyStride);
            float score = Dot(absorbed, key, _attention.Latent) + Dot(rotated, key + _attention.Latent, _attention.Rotated);
            scores[token] = score * _attention.ScoreScale;
            largest = MathF.Max(largest, scores[token]);
        }

        float* y = Result(row, head);
        float factor = Exponential.Of(state[0] - largest);
        float weights = state[1] * factor;
        Scale(y, factor, _attention.Latent);
        for (int token = 0; token < count; token++)
        {
            float weight = Exponential.Of(scores[token] - largest);
            weights += weight;
            CombineJob.Add(y, keys + (token * _keyStride), weight, _attention.Latent);
        }

        state[0] = largest;
        state[1] = weights;
    }

    private static void Scale(float* y, float factor, int count)
    {
        int i = 0;
        for (; i + Lanes.Count <= count; i += Lanes.Count)
        {
            (Vector512.Load(y + i) * factor).Store(y + i);
        }

        for (; i < count; i++)
        {
            y[i] *= factor;
        }
    }

    private static float Dot(float* a, float* b, int count)
    {
        Vector512<float> lanes = Vector512<float>.Zero;
        int i = 0;
        for (; i + Lanes.Count <= count; i += Lanes.Count)
        {
            lanes = MultiplyAdd.Of(Vector512.Load(a + i), Vector512.Load(b + i), lanes);
        }

        float sum = Lanes.Sum(lanes);
        for (; i < count; i++)
        {
            sum = MultiplyAdd.Of(a[i], b[i], sum);
        }

        return sum;
    }
}
