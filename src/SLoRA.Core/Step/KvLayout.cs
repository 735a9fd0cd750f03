using System.Collections.Immutable;
using SLoRA.Formats;

namespace SLoRA.Step;

/// <summary>
/// Where keys and values of a token live inside a page. A page spans all layers for <see cref="PageTokens"/> tokens:
/// for each layer first the keys, then the values, each <c>[kvHeads, PageTokens × headDim]</c>. How the elements of one head's block are
/// ordered is the backend's own business, since only the backend that writes them reads them.
/// </summary>
internal sealed class KvLayout
{
    /// <summary>The largest page that the default page size may have.</summary>
    public const long DefaultPageByteLimit = 2L << 20;

    /// <summary>The smallest page: below it the tiles of adapters find no room.</summary>
    public const long SmallestPage = 1024;

    private KvLayout(TensorType type, int pageTokens, ImmutableArray<LayerBlock> layers, long pageBytes)
    {
        Type = type;
        PageTokens = pageTokens;
        Layers = layers;
        PageBytes = pageBytes;
    }

    /// <summary>The element type of keys and values.</summary>
    public TensorType Type { get; }

    /// <summary>Tokens per page, a power of two.</summary>
    public int PageTokens { get; }

    /// <summary>Byte offsets within a page, one entry per layer.</summary>
    public ImmutableArray<LayerBlock> Layers { get; }

    /// <summary>Bytes of one page, a multiple of 64 and enough for a tile.</summary>
    public long PageBytes { get; }

    /// <summary>Pages that hold <paramref name="tokens"/> tokens.</summary>
    public int PagesFor(int tokens) => (int)(((long)tokens + PageTokens - 1) / PageTokens);

    /// <summary>Lays out the pages of a decoder.</summary>
    /// <param name="kept">What its layers keep of a token, in the order of <see cref="Layers"/>; layers that keep nothing are left
    /// out.</param>
    /// <param name="type">Element type of keys and values.</param>
    /// <param name="pageTokens">Tokens per page; null takes the largest power of two ≤ 16 whose page is at most 2 MiB.</param>
    public static KvLayout For(ImmutableArray<KeyValueShape> kept, TensorType type, int? pageTokens = null)
    {
        long bytesPerToken = 0;
        foreach (KeyValueShape layer in kept)
        {
            bytesPerToken += 2L * layer.Heads * layer.HeadDim * type.ElementSize();
        }

        int tokens = pageTokens ?? 16;
        while (pageTokens is null && tokens > 1 && tokens * bytesPerToken > DefaultPageByteLimit)
        {
            tokens /= 2;
        }

        var layers = ImmutableArray.CreateBuilder<LayerBlock>(kept.Length);
        long offset = 0;
        foreach (KeyValueShape layer in kept)
        {
            long headBytes = (long)tokens * layer.HeadDim * type.ElementSize();
            long half = headBytes * layer.Heads;
            layers.Add(new LayerBlock(offset, offset + half, headBytes));
            offset += 2 * half;
        }

        return new KvLayout(type, tokens, layers.MoveToImmutable(), Math.Max(SmallestPage, (offset + 63) & ~63L));
    }
}

/// <summary>What a layer keeps of one token: a key and a value for each of its KV heads.</summary>
/// <param name="Heads">KV heads, G.</param>
/// <param name="HeadDim">Columns of a head, d.</param>
internal readonly record struct KeyValueShape(int Heads, int HeadDim);

/// <summary>One layer's part of a page, in bytes from the page's start.</summary>
/// <param name="KeyOffset">Where the keys of KV head 0 begin.</param>
/// <param name="ValueOffset">Where the values of KV head 0 begin.</param>
/// <param name="HeadBytes">From one KV head's block to the next.</param>
internal readonly record struct LayerBlock(long KeyOffset, long ValueOffset, long HeadBytes);
