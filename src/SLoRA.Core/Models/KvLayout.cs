using System.Collections.Immutable;
using SLoRA.Adapters;
using SLoRA.Formats;

namespace SLoRA.Models;

/// <summary>
/// Where keys and values of a token live inside a page. A page spans all layers for <see cref="PageTokens"/> tokens:
/// for each layer first the keys, then the values, each <c>[kvHeads, PageTokens × headDim]</c>. How the elements of one head's block are
/// ordered is the backend's own business, since only the backend that writes them reads them.
/// </summary>
internal sealed class KvLayout
{
    /// <summary>The largest page that the default page size may have.</summary>
    public const long DefaultPageByteLimit = 2L << 20;

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
    /// <param name="decoder">The decoder whose layers the page spans.</param>
    /// <param name="type">Element type of keys and values.</param>
    /// <param name="pageTokens">Tokens per page; null takes the largest power of two ≤ 16 whose page is at most 2 MiB.</param>
    public static KvLayout For(DecoderDescription decoder, TensorType type, int? pageTokens = null)
    {
        long bytesPerToken = 0;
        foreach (LayerDescription layer in decoder.Layers)
        {
            bytesPerToken += 2L * layer.Attention.KeyValueHeads * layer.Attention.HeadDim * type.ElementSize();
        }

        int tokens = pageTokens ?? 16;
        while (pageTokens is null && tokens > 1 && tokens * bytesPerToken > DefaultPageByteLimit)
        {
            tokens /= 2;
        }

        var layers = ImmutableArray.CreateBuilder<LayerBlock>(decoder.Layers.Length);
        long offset = 0;
        foreach (LayerDescription layer in decoder.Layers)
        {
            long headBytes = (long)tokens * layer.Attention.HeadDim * type.ElementSize();
            long half = headBytes * layer.Attention.KeyValueHeads;
            layers.Add(new LayerBlock(offset, offset + half, headBytes));
            offset += 2 * half;
        }

        return new KvLayout(type, tokens, layers.MoveToImmutable(), Math.Max(TilePlanner.SmallestPage, (offset + 63) & ~63L));
    }
}

/// <summary>One layer's part of a page, in bytes from the page's start.</summary>
/// <param name="KeyOffset">Where the keys of KV head 0 begin.</param>
/// <param name="ValueOffset">Where the values of KV head 0 begin.</param>
/// <param name="HeadBytes">From one KV head's block to the next.</param>
internal readonly record struct LayerBlock(long KeyOffset, long ValueOffset, long HeadBytes);
