namespace SLoRA.HuggingFace.Transfer;

/// <summary>Which bytes of a file are there: ranges that neither touch nor overlap, in order.</summary>
internal sealed class ByteRanges
{
    private readonly List<ByteRange> _ranges = [];

    /// <summary>Bytes of all ranges together.</summary>
    public long Total => _ranges.Sum(range => range.Length);

    /// <summary>Takes all of them out.</summary>
    public void Clear() => _ranges.Clear();

    /// <summary>Adds bytes; some of them may be there already.</summary>
    public void Add(ByteRange added)
    {
        if (added.Length <= 0)
        {
            return;
        }

        int first = _ranges.FindIndex(range => range.End >= added.Start);
        if (first < 0)
        {
            _ranges.Add(added);
            return;
        }

        int behind = first;
        while (behind < _ranges.Count && _ranges[behind].Start <= added.End)
        {
            added = new ByteRange(Math.Min(added.Start, _ranges[behind].Start), Math.Max(added.End, _ranges[behind].End));
            behind++;
        }

        _ranges.RemoveRange(first, behind - first);
        _ranges.Insert(first, added);
    }

    /// <summary>What is missing of a file of so many bytes, in pieces that are no longer than a part.</summary>
    public IEnumerable<ByteRange> Missing(long size, long part)
    {
        long at = 0;
        foreach (ByteRange range in _ranges.Append(new ByteRange(size, size)))
        {
            long end = Math.Min(range.Start, size);
            for (; at < end; at = Math.Min(at + part, end))
            {
                yield return new ByteRange(at, Math.Min(at + part, end));
            }

            at = Math.Max(at, range.End);
        }
    }
}
