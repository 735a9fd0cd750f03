namespace SLoRA.Text.Tokenization.Models;

/// <summary>A binary heap of merges: smallest rank first, then leftmost.</summary>
internal sealed class MergeQueue
{
    private ulong[] _heap = new ulong[256];
    private int _count;

    public void Clear() => _count = 0;

    public void Push(int rank, int position)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, 2 * _count);
        }

        ulong key = ((ulong)(uint)rank << 32) | (uint)position;
        int at = _count++;
        while (at > 0)
        {
            int parent = (at - 1) >> 1;
            if (_heap[parent] <= key)
            {
                break;
            }

            _heap[at] = _heap[parent];
            at = parent;
        }

        _heap[at] = key;
    }

    public bool TryPop(out int rank, out int position)
    {
        if (_count == 0)
        {
            rank = position = 0;
            return false;
        }

        ulong top = _heap[0];
        rank = (int)(top >> 32);
        position = (int)(uint)top;
        ulong last = _heap[--_count];
        int at = 0;
        for (int child = 1; child < _count; child = (2 * at) + 1)
        {
            if (child + 1 < _count && _heap[child + 1] < _heap[child])
            {
                child++;
            }

            if (_heap[child] >= last)
            {
                break;
            }

            _heap[at] = _heap[child];
            at = child;
        }

        _heap[at] = last;
        return true;
    }

    public void Trim(int keep)
    {
        _count = 0;
        if (_heap.Length > keep)
        {
            _heap = new ulong[256];
        }
    }
}
