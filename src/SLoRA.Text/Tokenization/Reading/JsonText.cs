using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>Strings of a JSON reader as UTF-8, without a copy where nothing is escaped.</summary>
internal static class JsonText
{
    /// <summary>The current string or member name. The result is valid until <paramref name="scratch"/> is used again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ReadOnlySpan<byte> Utf8(ref Utf8JsonReader reader, ref byte[] scratch, string place) =>
        reader.ValueIsEscaped ? Unescaped(ref reader, ref scratch, place) : reader.ValueSpan;

    public static string String(ref Utf8JsonReader reader, string place)
    {
        byte[] scratch = [];
        return Encoding.UTF8.GetString(Utf8(ref reader, ref scratch, place));
    }

    private static ReadOnlySpan<byte> Unescaped(ref Utf8JsonReader reader, ref byte[] scratch, string place)
    {
        if (scratch.Length < reader.ValueSpan.Length)
        {
            scratch = new byte[2 * reader.ValueSpan.Length];
        }

        try
        {
            return scratch.AsSpan(0, reader.CopyString(scratch));
        }
        catch (InvalidOperationException e)
        {
            throw TokenizerException.Format($"{place} holds a lone surrogate: {Excerpt.Of(reader.ValueSpan)}.", e);
        }
    }
}
