using SLoRA.Step;

namespace SLoRA.Backends.Reference;

/// <summary>What is kept of a token for latent attention, <c>[pageTokens, R + rotated]</c> of a page, and its rotation.</summary>
internal static unsafe class ReferenceLatent
{
    /// <summary>Turns pairs of columns, neighbours or those half of the columns apart.</summary>
    public static void Rotate(Span<float> columns, ReferenceRope rope, int position, bool adjacent)
    {
        int half = columns.Length / 2;
        for (int i = 0; i < half; i++)
        {
            int left = adjacent ? 2 * i : i, right = adjacent ? left + 1 : i + half;
            float angle = position * rope.Description.InverseFrequencies[i];
            float cos = MathF.Cos(angle) * rope.Description.AttentionFactor, sin = MathF.Sin(angle) * rope.Description.AttentionFactor;
            (columns[left], columns[right]) =
                ((columns[left] * cos) - (columns[right] * sin), (columns[right] * cos) + (columns[left] * sin));
        }
    }

    /// <summary>Writes a row into slot <paramref name="slot"/> of its page.</summary>
    public static void Store(ReadOnlySpan<float> row, byte* page, KvLayout layout, int layer, LatentAttention attention, int slot) =>
        Kept(page, layout, layer, attention).Write(slot, row[..attention.KeyColumns]);

    /// <summary>Element <paramref name="i"/> of what slot <paramref name="slot"/> keeps.</summary>
    public static float Element(byte* page, KvLayout layout, int layer, LatentAttention attention, int slot, int i) =>
        Kept(page, layout, layer, attention).Read(slot, i);

    private static ReferenceCache Kept(byte* page, KvLayout layout, int layer, LatentAttention attention) =>
        new(page + layout.Layers[layer].KeyOffset, layout, layout.Layers[layer], attention.KeyColumns, attention.Latent);
}
