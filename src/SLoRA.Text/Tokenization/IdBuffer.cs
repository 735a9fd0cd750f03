using System.Buffers;

namespace SLoRA.Text.Tokenization;

/// <summary>A growable run of token ids that is cleared and used again.</summary>
internal sealed class IdBuffer
{
    private int[] _ids = new int[256];

    public int Count { get; private set; }

    public ReadOnlySpan<int> Span => _ids.AsSpan(0, Count);

    public void Clear() => Count = 0;

    public void Truncate(int count) => Count = count;

    public void Add(int id)
    {
        if (Count == _ids.Length)
        {
            Array.Resize(ref _ids, 2 * Count);
        }

        _ids[Count++] = id;
    }

    public void AddRange(ReadOnlySpan<int> ids)
    {
        if (Count + ids.Length > _ids.Length)
        {
            Array.Resize(ref _ids, Math.Max(2 * _ids.Length, Count + ids.Length));
        }

        ids.CopyTo(_ids.AsSpan(Count));
        Count += ids.Length;
    }

    public void CopyTo(IBufferWriter<int> output)
    {
        Span.CopyTo(output.GetSpan(Count));
        output.Advance(Count);
    }

    /// <summary>Gives memory above <paramref name="keep"/> ids back.</summary>
    public void Trim(int keep)
    {
        Count = 0;
        if (_ids.Length > keep)
        {
            _ids = new int[256];
        }
    }
}
