using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>
/// Where integers and their scales lie in a page, in words of four bytes: a head's tokens <c>[pageTokens, tokenWords]</c>, each padded to
/// 16 bytes, and behind them its scales <c>[pageTokens]</c>.
/// </summary>
internal readonly struct IntegerCache(
    int pageTokensLog2, int tokenWords, long pageWords, long keyWord, long valueWord, long headWords, long scaleWord)
{
    /// <summary>Adding 1.5 · 2²³ rounds to an integer and leaves it in the low bits.</summary>
    private const float Shifter = 12582912f;

    private const float Limit = 127f;

    /// <summary>Numbers whose largest magnitude is below this count as zeros: their inverse scale would not be finite.</summary>
    private const float Smallest = 1e-30f;

    private const int Infinity = 0x7F800000;

    public readonly int PageTokensLog2 = pageTokensLog2;

    /// <summary>From one token of a head to the next.</summary>
    public readonly int TokenWords = tokenWords;
    public readonly long PageWords = pageWords;
    public readonly long KeyWord = keyWord;
    public readonly long ValueWord = valueWord;

    /// <summary>From one head to the next.</summary>
    public readonly long HeadWords = headWords;

    /// <summary>From a head's first integer to its first scale.</summary>
    public readonly long ScaleWord = scaleWord;

    /// <summary>Where the block of a head begins, of keys or values.</summary>
    public long Head(int page, int head, long first) => (page * PageWords) + first + (head * HeadWords);

    /// <summary>Where a position's integers lie in the block of a head.</summary>
    public long Token(int position) => (long)Slot(position) * TokenWords;

    /// <summary>Where a position's scale lies in the block of a head.</summary>
    public long Scale(int position) => ScaleWord + Slot(position);

    /// <summary>The integer of a column of a word of four.</summary>
    public static float Integer(uint word, int column) => (int)(word << (24 - (column << 3))) >> 24;

    /// <summary>The bits of a magnitude, which have the order of magnitudes, NaN last.</summary>
    public static int Magnitude(float x) => (int)(Interop.FloatAsInt(x) & 0x7FFFFFFFu);

    /// <summary>The scale of numbers with this largest magnitude: 0 for zeros, NaN when one is not finite.</summary>
    public static float ScaleOf(int magnitude)
    {
        float scale = Interop.IntAsFloat((uint)magnitude) / Limit;
        if (Interop.IntAsFloat((uint)magnitude) < Smallest)
        {
            scale = 0f;
        }

        if (magnitude >= Infinity)
        {
            scale = float.NaN;
        }

        return scale;
    }

    /// <summary>What the numbers are multiplied by before they are rounded.</summary>
    public static float InverseOf(int magnitude)
    {
        float inverse = 0f;
        if (magnitude < Infinity && Interop.IntAsFloat((uint)magnitude) >= Smallest)
        {
            inverse = Limit / Interop.IntAsFloat((uint)magnitude);
        }

        return inverse;
    }

    /// <summary>Four columns from one on as a word; those behind the last are 0.</summary>
    public static uint Word(ArrayView<float> x, long first, int column, int columns, float inverse)
    {
        uint word = 0;
        for (int i = 0; i < 4; i++)
        {
            if (column + i < columns)
            {
                uint integer = Interop.FloatAsInt((x[first + column + i] * inverse) + Shifter) - Interop.FloatAsInt(Shifter);
                word |= (integer & 0xFFu) << (i << 3);
            }
        }

        return word;
    }

    private int Slot(int position) => position & ((1 << PageTokensLog2) - 1);
}
