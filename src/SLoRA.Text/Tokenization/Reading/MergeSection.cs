using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using SLoRA.Text.Tokenization.Models;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>The merges of a BPE model, as pairs of UTF-8 texts until the vocabulary is there to resolve them.</summary>
internal sealed class MergeSection
{
    private static readonly byte[] MetaspaceUtf8 = [0xE2, 0x96, 0x81];

    private byte[] _bytes;
    private int _used;
    private readonly List<(int Start, int Middle, int End)> _pairs;

    private MergeSection(int fileLength)
    {
        _bytes = GC.AllocateUninitializedArray<byte>(Math.Max(256, Math.Min(fileLength / 3, 16_000_000)));
        _pairs = new List<(int, int, int)>(Math.Min(fileLength / 40, 500_000));
    }

    /// <summary>Reads the list that the reader stands at: strings "a b", or lists ["a", "b"], but not both.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static MergeSection Read(ref Utf8JsonReader reader, int fileLength)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw TokenizerException.Format("model.merges must be a list.");
        }

        var section = new MergeSection(fileLength);
        byte[] scratch = [];
        bool? asPairs = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            bool isPair = reader.TokenType == JsonTokenType.StartArray;
            if ((asPairs ??= isPair) != isPair)
            {
                throw section.Wrong("of another form than the first: all are strings, or all are pairs");
            }

            if (isPair)
            {
                section.ReadPair(ref reader, ref scratch);
            }
            else
            {
                section.ReadString(ref reader, ref scratch);
            }
        }

        return section;
    }

    /// <summary>Finds the ids of all parts and results.</summary>
    /// <param name="vocabulary">The model's vocabulary.</param>
    /// <param name="prefix">The continuing prefix, which the right part loses when it is joined.</param>
    /// <param name="unknownId">The id of the unknown token, or -1.</param>
    /// <param name="warnings">Takes what the file contradicts itself in.</param>
    /// <param name="joinsMetaspace">
    /// For every character whether some merge joins it with a ▁ behind it; null when the merges do not tell, as a part of one is the
    /// unknown token or a byte's, which stand for other characters than those they are written with.
    /// </param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public MergeTable Resolve(
        Vocabulary vocabulary, ReadOnlySpan<byte> prefix, int unknownId, List<string> warnings, out bool[]? joinsMetaspace)
    {
        var table = new MergeTable(_pairs.Count);
        byte[] joined = new byte[vocabulary.MaxTokenBytes];
        joinsMetaspace = new bool[0x10000];
        int repeated = 0;
        for (int rank = 0; rank < _pairs.Count; rank++)
        {
            (int start, int middle, int end) = _pairs[rank];
            ReadOnlySpan<byte> left = _bytes.AsSpan(start..middle);
            ReadOnlySpan<byte> right = _bytes.AsSpan(middle..end);
            int leftId = Id(vocabulary, left, rank);
            int rightId = Id(vocabulary, right, rank);
            ReadOnlySpan<byte> whole = _bytes.AsSpan(start..end);
            if (prefix.Length > 0 && right.Length >= prefix.Length)
            {
                ReadOnlySpan<byte> rest = right[prefix.Length..];
                if (left.Length + rest.Length > joined.Length)
                {
                    joined = new byte[left.Length + rest.Length];
                }

                left.CopyTo(joined);
                rest.CopyTo(joined.AsSpan(left.Length));
                whole = joined.AsSpan(0, left.Length + rest.Length);
            }

            if (!table.Set(leftId, rightId, rank, Id(vocabulary, whole, rank)))
            {
                repeated++;
            }

            if (joinsMetaspace is null)
            {
                continue;
            }

            if (leftId == unknownId || rightId == unknownId || IsByteToken(left) || IsByteToken(right))
            {
                joinsMetaspace = null;
            }
            else if (right.StartsWith(MetaspaceUtf8) && !NoteJoin(left, joinsMetaspace))
            {
                joinsMetaspace = null;
            }
        }

        if (repeated > 0)
        {
            warnings.Add($"model.merges lists {repeated} pairs again; the last rank of a pair counts.");
        }

        return table;
    }

    private static bool IsByteToken(ReadOnlySpan<byte> token) => token.Length == 6 && token.StartsWith("<0x"u8) && token[5] == (byte)'>';

    private static bool NoteJoin(ReadOnlySpan<byte> left, bool[] joinsMetaspace)
    {
        if (Rune.DecodeLastFromUtf8(left, out Rune last, out _) != System.Buffers.OperationStatus.Done)
        {
            return false;
        }

        joinsMetaspace[last.IsBmp ? last.Value : 0xDC00 + ((last.Value - 0x10000) & 0x3FF)] = true;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Id(Vocabulary vocabulary, ReadOnlySpan<byte> token, int rank)
    {
        if (vocabulary.TryGetId(token, out int id))
        {
            return id;
        }

        throw TokenizerException.Format($"model.merges[{rank}] names {Excerpt.Of(token)}, which model.vocab lacks.");
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadString(ref Utf8JsonReader reader, ref byte[] scratch)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            throw Wrong("neither a string nor a pair");
        }

        ReadOnlySpan<byte> text = JsonText.Utf8(ref reader, ref scratch, "model.merges");
        // Old files start their merges with a comment.
        if (_pairs.Count == 0 && text.StartsWith("#version"u8))
        {
            return;
        }

        int space = text.IndexOf((byte)' ');
        if (space < 0 || text[(space + 1)..].Contains((byte)' '))
        {
            throw Wrong($"not two parts with a space between: {Excerpt.Of(text)}");
        }

        Add(text[..space], text[(space + 1)..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadPair(ref Utf8JsonReader reader, ref byte[] scratch)
    {
        int start = _used;
        int middle = 0;
        int parts = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.String || ++parts > 2)
            {
                throw Wrong("not a pair of strings");
            }

            Append(JsonText.Utf8(ref reader, ref scratch, "model.merges"));
            if (parts == 1)
            {
                middle = _used;
            }
        }

        if (parts != 2)
        {
            throw Wrong("not a pair of strings");
        }

        _pairs.Add((start, middle, _used));
    }

    private void Add(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        int start = _used;
        Append(left);
        int middle = _used;
        Append(right);
        _pairs.Add((start, middle, _used));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Append(ReadOnlySpan<byte> text)
    {
        if (_used + text.Length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _used + text.Length));
        }

        text.CopyTo(_bytes.AsSpan(_used));
        _used += text.Length;
    }

    private TokenizerException Wrong(string what) => TokenizerException.Format($"model.merges[{_pairs.Count}] is {what}.");
}
