using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace SLoRA.Formats.Gguf;

/// <summary>
/// Reads the numbers, strings and lists of a header from the start of a file on. Whatever says how much follows is held against what the
/// file still has before anything is allocated.
/// </summary>
/// <param name="stream">The file, at its start.</param>
/// <param name="file">The name that errors call it by.</param>
/// <param name="longest">The longest header that is read, in bytes.</param>
internal sealed class GgufCursor(Stream stream, string file, long longest)
{
    private const int BufferBytes = 64 << 10;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] _buffer = new byte[Math.Min(BufferBytes, stream.Length)];
    private int _at;
    private int _filled;

    /// <summary>Bytes that have been read.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes that the file has.</summary>
    public long Length { get; } = stream.Length;

    /// <summary>Bytes that are left of the file, and of the longest header.</summary>
    public long Left => Math.Min(Length, longest) - Position;

    /// <summary>What is read, for errors: a key, a tensor, or null for the file itself.</summary>
    public string? Subject { get; set; }

    /// <summary>A number.</summary>
    public T Number<T>()
        where T : unmanaged
    {
        Span<T> number = stackalloc T[1];
        Fill(MemoryMarshal.AsBytes(number));
        return number[0];
    }

    /// <summary>A number that says how many things follow.</summary>
    /// <param name="what">What they are.</param>
    /// <param name="smallest">The fewest bytes that one of them takes.</param>
    /// <exception cref="FormatError">The file is too short for so many.</exception>
    public int Count(string what, int smallest)
    {
        ulong count = Number<ulong>();
        long most = Math.Min(Left / smallest, Array.MaxLength);
        return count <= (ulong)most ? (int)count : throw Error($"promises {count} {what}, more than the file has room for");
    }

    /// <summary>A string.</summary>
    /// <param name="most">The most bytes it may have.</param>
    public string Text(int most = int.MaxValue)
    {
        int length = Count("bytes of a string", 1);
        if (length > most)
        {
            throw Error($"has a name of {length} bytes; {most} are read");
        }

        if (length <= _buffer.Length)
        {
            Need(length);
            string text = Decode(_buffer.AsSpan(_at, length));
            Take(length);
            return text;
        }

        byte[] bytes = new byte[length];
        Fill(bytes);
        return Decode(bytes);
    }

    /// <summary>A list of numbers.</summary>
    public T[] Numbers<T>()
        where T : unmanaged
    {
        var numbers = new T[Count("values", Unsafe.SizeOf<T>())];
        Fill(MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    }

    /// <summary>A list of strings.</summary>
    public string[] Texts()
    {
        var texts = new string[Count("strings", sizeof(ulong))];
        for (int i = 0; i < texts.Length; i++)
        {
            texts[i] = Text();
        }

        return texts;
    }

    /// <summary>An error about what is read: the rest of a sentence that begins with it.</summary>
    public FormatError Error(string problem) => new(LoadErrorKind.File, file, Subject, problem);

    private string Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException error)
        {
            throw new FormatError(LoadErrorKind.File, file, Subject, "has a string that is not UTF-8", error);
        }
    }

    private void Fill(Span<byte> destination)
    {
        CheckLeft(destination.Length);
        while (!destination.IsEmpty)
        {
            int piece = Math.Min(destination.Length, _buffer.Length);
            Need(piece);
            _buffer.AsSpan(_at, piece).CopyTo(destination);
            Take(piece);
            destination = destination[piece..];
        }
    }

    private void CheckLeft(long bytes)
    {
        if (bytes > Left)
        {
            throw Length <= longest
                ? Error("ends in the middle of its header")
                : Error($"has a header of more than {longest} bytes, which is not read");
        }
    }

    private void Take(int bytes)
    {
        _at += bytes;
        Position += bytes;
    }

    // At most as many bytes as the buffer has.
    private void Need(int bytes)
    {
        CheckLeft(bytes);
        if (_filled - _at >= bytes)
        {
            return;
        }

        _buffer.AsSpan(_at, _filled - _at).CopyTo(_buffer);
        _filled -= _at;
        _at = 0;
        while (_filled < bytes)
        {
            int read = stream.Read(_buffer, _filled, _buffer.Length - _filled);
            if (read == 0)
            {
                throw Error("became shorter while it was read");
            }

            _filled += read;
        }
    }
}
