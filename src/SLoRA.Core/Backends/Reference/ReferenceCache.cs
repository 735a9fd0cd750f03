using System.Runtime.CompilerServices;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Reference;

/// <summary>
/// What one head keeps of a page's tokens, <c>[pageTokens, columns]</c>: floating-point numbers, or integers from −127 to 127 with a
/// scale of each token, as <see cref="KvLayout"/> has room for them. Columns that share a scale begin at multiples of 16 then.
/// </summary>
/// <param name="head">Where the head's block begins.</param>
/// <param name="layout">The page.</param>
/// <param name="block">The layer's part of it.</param>
/// <param name="columns">Columns of a token.</param>
/// <param name="firstOwn">The first of the columns at the end that have a scale of their own.</param>
internal readonly unsafe struct ReferenceCache(byte* head, KvLayout layout, LayerBlock block, int columns, int firstOwn)
{
    private const float Limit = 127;

    /// <summary>A token whose largest magnitude is below this counts as zeros: its inverse scale would not be finite.</summary>
    private const float Smallest = 1e-30f;

    /// <summary>Writes what is kept of a token.</summary>
    public void Write(int slot, ReadOnlySpan<float> token)
    {
        if (layout.HasScales)
        {
            Quantize(slot, 0, token[..firstOwn]);
            Quantize(slot, firstOwn, token[firstOwn..]);
            return;
        }

        for (int i = 0; i < columns; i++)
        {
            Elements.Write(layout.Type, head, ((long)slot * columns) + i, token[i]);
        }
    }

    /// <summary>Element <paramref name="i"/> of a token, as fp32.</summary>
    public float Read(int slot, int i) => layout.HasScales
        ? Integer(slot, i) * Scale(slot, i)
        : Elements.Read(layout.Type, head, ((long)slot * columns) + i);

    /// <summary>
    /// <c>scale = max |x| / 127, integer = round(x · (127 / max |x|))</c>, ties to even. Numbers that are not finite make the scale NaN,
    /// and so all that is read of the token.
    /// </summary>
    private void Quantize(int slot, int first, ReadOnlySpan<float> token)
    {
        if (token.IsEmpty)
        {
            return;
        }

        float largest = 0;
        foreach (float x in token)
        {
            largest = MathF.Abs(x) > largest || float.IsNaN(x) ? MathF.Abs(x) : largest;
        }

        bool isFinite = float.IsFinite(largest);
        Scale(slot, first) = !isFinite ? float.NaN : largest < Smallest ? 0 : largest / Limit;
        for (int i = 0; i < token.Length; i++)
        {
            bool isZero = !isFinite || largest < Smallest;
            float integer = isZero ? 0 : MathF.Round(token[i] * (Limit / largest), MidpointRounding.ToEven);
            Integer(slot, first + i) = (sbyte)integer;
        }
    }

    private ref sbyte Integer(int slot, int column)
    {
        int place = column < firstOwn ? column : KeyValueShape.IntegersOf(firstOwn, 0) + column - firstOwn;
        return ref Unsafe.AsRef<sbyte>(head + ((long)slot * KeyValueShape.IntegersOf(columns, columns - firstOwn)) + place);
    }

    /// <summary>The scale of a column: all tokens' first ones, then all tokens' second ones.</summary>
    private ref float Scale(int slot, int column)
    {
        int scale = column < firstOwn ? 0 : layout.PageTokens;
        return ref Unsafe.AsRef<float>(head + block.ScaleOffset + ((scale + slot) * sizeof(float)));
    }
}
