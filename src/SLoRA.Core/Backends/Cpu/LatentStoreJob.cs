using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// Rotates the last columns of every head's query and of what is kept of a token, and writes the latter into the row's page,
/// <c>[pageTokens, R + rotated]</c>.
/// </summary>
internal sealed unsafe class LatentStoreJob(int workers) : RowJob(workers)
{
    private CpuRows _q = null!;
    private CpuRows _kv = null!;
    private CpuRope _rope = null!;
    private LatentAttention _attention = null!;
    private CpuPageMemory _pages = null!;
    private KvLayout _layout = null!;
    private KeyValueStoreJob _places = null!;
    private LayerBlock _block;

    /// <summary>Sets the next layer and says in how many parts it comes.</summary>
    public int Prepare(
        CpuRows q, CpuRows kv, CpuRope rope, LatentAttention attention, CpuPageMemory pages, KvLayout layout, int layer,
        KeyValueStoreJob places, int rows)
    {
        _q = q;
        _kv = kv;
        _rope = rope;
        _attention = attention;
        _pages = pages;
        _layout = layout;
        _block = layout.Layers[layer];
        _places = places;
        places.Place(layout);
        return Prepare(rows, (attention.Heads + 1) * attention.Rotated * 2);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        float* cosines = _rope.Cosines + (row * _rope.Stride);
        float* sines = _rope.Sines + (row * _rope.Stride);
        for (int head = 0; head < _attention.Heads; head++)
        {
            Rotate(_q.Row(row) + (head * _attention.QueryColumns) + _attention.Plain, cosines, sines);
        }

        float* kept = _kv.Row(row);
        Rotate(kept + _attention.Latent, cosines, sines);
        (int page, int place) = _places.PlaceOf(row, _block.Group);
        byte* target = _pages.Address(page) + _block.KeyOffset;
        switch (_layout.Type)
        {
            case TensorType.F32:
                Store<F32Elements>(kept, target, place);
                break;
            case TensorType.F16:
                Store<F16Elements>(kept, target, place);
                break;
            case TensorType.BF16:
                Store<Bf16Elements>(kept, target, place);
                break;
            case TensorType.I8:
                Store<I8Elements>(kept, target, place);
                break;
            default:
                throw UnservedType.Error(_layout.Type);
        }
    }

    private void Rotate(float* columns, float* cosines, float* sines)
    {
        int half = _attention.Rotated / 2;
        for (int i = 0; i < half; i++)
        {
            int left = _attention.AdjacentPairs ? 2 * i : i;
            int right = _attention.AdjacentPairs ? left + 1 : i + half;
            float a = columns[left];
            float b = columns[right];
            columns[left] = (a * cosines[i]) - (b * sines[i]);
            columns[right] = (b * cosines[i]) + (a * sines[i]);
        }
    }

    private void Store<T>(float* row, byte* target, int place)
        where T : struct, IElements
    {
        int latent = _attention.Latent;
        byte* token = target + ((nint)place * _attention.KeyColumns * T.Size);
        float scale = T.StoreRow(row, latent, token, T.Size);
        float rotatedScale = T.StoreRow(row + latent, _attention.Rotated, token + (latent * T.Size), T.Size);
        if (T.HasScales)
        {
            var scales = (float*)(target + _block.ScaleOffset);
            scales[place] = scale;
            scales[_layout.PageTokens + place] = rotatedScale;
        }
    }
}
