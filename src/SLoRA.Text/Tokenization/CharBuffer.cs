namespace SLoRA.Text.Tokenization;

/// <summary>A growable run of UTF-16 characters that is cleared and used again. It refuses to grow past <see cref="MaxLength"/>.</summary>
internal sealed class CharBuffer
{
    private const int Limit = 1 << 28;
    private const int FreeGrowth = 1 << 16;

    private char[] _chars = new char[256];

    public int Length { get; private set; }

    /// <summary>
    /// Characters a text may reach while it is transformed: hostile files hold replacements that grow a text without end.
    /// </summary>
    public int MaxLength { get; set; } = Limit;

    /// <summary>
    /// What a text of so many characters may become on its way to the model: the longest normal form of one character in Unicode has
    /// eighteen, its bytes' stand-ins three, and short texts get room for what is put before them.
    /// </summary>
    public static int Bound(int length) => (int)Math.Min(Limit, FreeGrowth + (32L * length));

    public ReadOnlySpan<char> Span => _chars.AsSpan(0, Length);

    public char this[int index] => _chars[index];

    public void Clear() => Length = 0;

    public void Truncate(int length) => Length = length;

    public void Append(char value)
    {
        if (Length == _chars.Length)
        {
            Grow(1);
        }

        _chars[Length++] = value;
    }

    public void Append(scoped ReadOnlySpan<char> value)
    {
        value.CopyTo(Claim(value.Length));
    }

    public void AppendRune(int codePoint)
    {
        if (codePoint < 0x10000)
        {
            Append((char)codePoint);
            return;
        }

        Append((char)(0xD800 + ((codePoint - 0x10000) >> 10)));
        Append((char)(0xDC00 + ((codePoint - 0x10000) & 0x3FF)));
    }

    /// <summary>Appends <paramref name="count"/> characters that the caller writes.</summary>
    public Span<char> Claim(int count)
    {
        if (Length + count > _chars.Length || Length + count < 0)
        {
            Grow(count);
        }

        Span<char> place = _chars.AsSpan(Length, count);
        Length += count;
        return place;
    }

    /// <summary>Drops the first <paramref name="count"/> characters.</summary>
    public void RemoveStart(int count)
    {
        Span.Slice(count).CopyTo(_chars);
        Length -= count;
    }

    /// <summary>Gives memory above <paramref name="keep"/> characters back, so that one huge text does not stay for ever.</summary>
    public void Trim(int keep)
    {
        Length = 0;
        if (_chars.Length > keep)
        {
            _chars = new char[256];
        }
    }

    private void Grow(int count)
    {
        long needed = (long)Length + count;
        if (needed > MaxLength)
        {
            throw TokenizerException.Limit($"A text grew past {MaxLength} characters while it was transformed.");
        }

        Array.Resize(ref _chars, (int)Math.Max(needed, Math.Min(2L * _chars.Length, MaxLength)));
    }
}
