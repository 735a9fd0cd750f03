using SLoRA.Step;

namespace SLoRA.Backends.Reference;

/// <summary>Paged attention of one query head, and the keys and values of a head in a page (<see cref="ReferenceCache"/>).</summary>
internal static unsafe class ReferenceAttention
{
    /// <summary>Reads an element of a key or value at (position, dimension).</summary>
    public delegate float Element(int position, int dimension);

    /// <summary>Writes the keys and values of one row into slot <paramref name="slot"/> of its page.</summary>
    public static void Store(ReadOnlySpan<float> row, byte* page, KvLayout layout, int layer, GroupedAttention attention, int slot)
    {
        int d = attention.HeadDim;
        int keys = attention.Heads * d;
        int values = keys + (attention.KeyValueHeads * d);
        LayerBlock block = layout.Layers[layer];
        for (int g = 0; g < attention.KeyValueHeads; g++)
        {
            Head(page + block.KeyOffset, layout, layer, d, g).Write(slot, row.Slice(keys + (g * d), d));
            Head(page + block.ValueOffset, layout, layer, d, g).Write(slot, row.Slice(values + (g * d), d));
        }
    }

    /// <summary>Element <paramref name="i"/> of the key in <paramref name="slot"/>.</summary>
    public static float Key(byte* page, KvLayout layout, int layer, int headDim, int kvHead, int slot, int i) =>
        Head(page + layout.Layers[layer].KeyOffset, layout, layer, headDim, kvHead).Read(slot, i);

    /// <summary>Element <paramref name="i"/> of the value in <paramref name="slot"/>.</summary>
    public static float Value(byte* page, KvLayout layout, int layer, int headDim, int kvHead, int slot, int i) =>
        Head(page + layout.Layers[layer].ValueOffset, layout, layer, headDim, kvHead).Read(slot, i);

    /// <summary>
    /// <c>y = Σ softmax(cap(scale · q · K[j])) V[j]</c> over first ≤ j ≤ last; a sink is one more score without a value.
    /// </summary>
    public static void Attend(
        ReadOnlySpan<float> q, Span<float> y, int first, int last, GroupedAttention attention, Element key, Element value,
        float? sink = null)
    {
        var scores = new float[last - first + 1];
        float largest = sink ?? float.NegativeInfinity;
        for (int j = first; j <= last; j++)
        {
            float dot = 0;
            for (int i = 0; i < q.Length; i++)
            {
                dot = MathF.FusedMultiplyAdd(q[i], key(j, i), dot);
            }

            scores[j - first] = dot * attention.ScoreScale;
            if (attention.ScoreCap is { } cap)
            {
                scores[j - first] = cap * MathF.Tanh(scores[j - first] / cap);
            }

            largest = MathF.Max(largest, scores[j - first]);
        }

        float sum = sink is { } extra ? MathF.Exp(extra - largest) : 0;
        for (int j = 0; j < scores.Length; j++)
        {
            scores[j] = MathF.Exp(scores[j] - largest);
            sum += scores[j];
        }

        for (int i = 0; i < y.Length; i++)
        {
            float weighted = 0;
            for (int j = first; j <= last; j++)
            {
                weighted = MathF.FusedMultiplyAdd(scores[j - first], value(j, i), weighted);
            }

            y[i] = weighted / sum;
        }
    }

    private static ReferenceCache Head(byte* heads, KvLayout layout, int layer, int headDim, int head) =>
        new(heads + (head * layout.Layers[layer].HeadBytes), layout, layout.Layers[layer], headDim, headDim);
}
