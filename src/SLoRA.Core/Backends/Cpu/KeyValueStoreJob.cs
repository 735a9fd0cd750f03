using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Rotates q and k of every row <c>[(H + 2G) d]</c> and writes k and v into the row's page. In a page a head's keys are
/// <c>[d][PageTokens]</c>, so that scores run in lanes over tokens, and its values <c>[PageTokens][d]</c>, so that their weighted sum runs
/// in lanes over d. Scales of integers lie in lanes over tokens, behind either.
/// </summary>
internal sealed unsafe class KeyValueStoreJob(int workers) : ComputeJob
{
    // Page and place in the page of every row, group of layers by group.
    private int[] _slots = [];
    private bool _placed;
    private StepPlan _plan = null!;
    private CpuRows _qkv = null!;
    private CpuRope _rope = null!;
    private GroupedAttention _attention = null!;
    private CpuPageMemory _pages = null!;
    private KvLayout _layout = null!;
    private LayerBlock _block;
    private int _rows;
    private int _firstSlot;
    private int _parts;

    /// <summary>Takes the plan of the next step.</summary>
    public void Begin(StepPlan plan)
    {
        _plan = plan;
        _placed = false;
    }

    /// <summary>Sets the next layer and says in how many parts it comes.</summary>
    public int Prepare(CpuRows qkv, CpuRope rope, GroupedAttention attention, CpuPageMemory pages, KvLayout layout, int layer)
    {
        if (!_placed)
        {
            PlaceRows(layout);
        }

        _qkv = qkv;
        _rope = rope;
        _attention = attention;
        _pages = pages;
        _layout = layout;
        _block = layout.Layers[layer];
        _rows = _plan.RowCount;
        _firstSlot = _block.Group * _rows;
        _parts = _rows < 4 ? Math.Min(_rows, 1) : Math.Min(_rows, 4 * workers);
        return _parts;
    }

    /// <summary>Finds the places of all rows of the step, unless that has been done.</summary>
    public void Place(KvLayout layout)
    {
        if (!_placed)
        {
            PlaceRows(layout);
        }
    }

    /// <summary>The page of a row in a group of layers, and its place in there.</summary>
    public (int Page, int Place) PlaceOf(int row, int group)
    {
        int slot = (group * _plan.RowCount) + row;
        return (_slots[2 * slot], _slots[(2 * slot) + 1]);
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        (int first, int end) = Share(_rows, part, _parts);
        for (int row = first; row < end; row++)
        {
            float* q = _qkv.Row(row);
            float* k = q + (_attention.Heads * _attention.HeadDim);
            for (int head = 0; head < _attention.Heads + _attention.KeyValueHeads; head++)
            {
                RotateJob.Rotate(q + (head * _attention.HeadDim), _rope, row);
            }

            int slot = _firstSlot + row;
            byte* page = _pages.Address(_slots[2 * slot]);
            int place = _slots[(2 * slot) + 1];
            switch (_layout.Type)
            {
                case TensorType.F32:
                    Store<F32Elements>(k, page, place);
                    break;
                case TensorType.F16:
                    Store<F16Elements>(k, page, place);
                    break;
                case TensorType.BF16:
                    Store<Bf16Elements>(k, page, place);
                    break;
                case TensorType.I8:
                    Store<I8Elements>(k, page, place);
                    break;
                default:
                    throw UnservedType.Error(_layout.Type);
            }
        }
    }

    private void PlaceRows(KvLayout layout)
    {
        int slots = layout.Groups.Length * _plan.RowCount;
        if (_slots.Length < 2 * slots)
        {
            _slots = new int[Math.Max(2 * slots, 2 * _slots.Length)];
        }

        ReadOnlySpan<int> tables = _plan.PageTables;
        for (int group = 0; group < layout.Groups.Length; group++)
        {
            foreach (StepSlice slice in _plan.Slices)
            {
                int table = _plan.TableStart(slice, group);
                int first = (group * _plan.RowCount) + slice.FirstRow;
                for (int i = 0; i < slice.RowCount; i++)
                {
                    (int page, int place) = Math.DivRem(slice.FirstPosition + i, layout.PageTokens);
                    _slots[2 * (first + i)] = tables[table + page];
                    _slots[(2 * (first + i)) + 1] = place;
                }
            }
        }

        _placed = true;
    }

    private void Store<T>(float* k, byte* page, int place)
        where T : struct, IElements
    {
        int dim = _attention.HeadDim;
        int heads = _attention.KeyValueHeads;
        float* v = k + (heads * dim);
        for (int head = 0; head < heads; head++)
        {
            byte* keys = page + _block.KeyOffset + (head * _block.HeadBytes);
            byte* values = page + _block.ValueOffset + (head * _block.HeadBytes);
            float keyScale = T.StoreRow(k + (head * dim), dim, keys + (place * T.Size), _layout.PageTokens * T.Size);
            float valueScale = T.StoreRow(v + (head * dim), dim, values + (place * dim * T.Size), T.Size);
            if (T.HasScales)
            {
                ((float*)(keys + _block.ScaleOffset))[place] = keyScale;
                ((float*)(values + _block.ScaleOffset))[place] = valueScale;
            }
        }
    }
}
