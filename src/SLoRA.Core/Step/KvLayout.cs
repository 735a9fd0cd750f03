using System.Collections.Immutable;
using System.Runtime.InteropServices;
using SLoRA.Formats;

namespace SLoRA.Step;

/// <summary>
/// Where what a decoder keeps of a sequence lies in its pages. A page of tokens spans all layers for <see cref="PageTokens"/> tokens:
/// for each layer first the keys, then the values, each <c>[kvHeads, PageTokens × headDim]</c>. The <see cref="StatePages"/> pages of
/// states hold the <see cref="States"/> of all layers, part by part. How the elements of one head's block or of one part are ordered is the
/// backend's own business, since only the backend that writes them reads them.
/// </summary>
internal sealed class KvLayout
{
    /// <summary>The largest page that the default page size may have.</summary>
    public const long DefaultPageByteLimit = 2L << 20;

    /// <summary>The smallest page: below it the tiles of adapters find no room.</summary>
    public const long SmallestPage = 1024;

    private KvLayout(TensorType type, int pageTokens, ImmutableArray<LayerBlock> layers, ImmutableArray<StateShape> states, long pageBytes)
    {
        Type = type;
        PageTokens = pageTokens;
        Layers = layers;
        PageBytes = pageBytes;
        (States, StatePages) = Place(states, pageBytes);
    }

    /// <summary>The element type of keys and values.</summary>
    public TensorType Type { get; }

    /// <summary>Tokens per page, a power of two.</summary>
    public int PageTokens { get; }

    /// <summary>Byte offsets within a page of tokens, one entry per layer that keeps keys and values.</summary>
    public ImmutableArray<LayerBlock> Layers { get; }

    /// <summary>Where every state lies, in the order of the layers.</summary>
    public ImmutableArray<StateBlock> States { get; }

    /// <summary>Pages that hold the states of one sequence; 0 for a decoder that keeps none.</summary>
    public int StatePages { get; private init; }

    /// <summary>Bytes of one page, a multiple of 64, enough for a tile and for every part of a state.</summary>
    public long PageBytes { get; }

    /// <summary>
    /// Shards among which every page is cut into equal slices: each holds its own heads of the page's tokens, or its own part of an
    /// adapter.
    /// </summary>
    public int Shards { get; private init; } = 1;

    /// <summary>Pages that hold the keys and values of <paramref name="tokens"/> tokens.</summary>
    public int PagesFor(int tokens) => (int)(((long)tokens + PageTokens - 1) / PageTokens);

    /// <summary>Lays out the pages of a decoder.</summary>
    /// <param name="kept">What its blocks keep, in the order of <see cref="Layers"/> and <see cref="States"/>.</param>
    /// <param name="type">Element type of keys and values.</param>
    /// <param name="pageTokens">Tokens per page; null takes the largest power of two ≤ 16 whose page is at most 2 MiB.</param>
    /// <param name="leastBytes">The smallest page that will do.</param>
    public static KvLayout For(ImmutableArray<KeptState> kept, TensorType type, int? pageTokens = null, long leastBytes = SmallestPage)
    {
        KeyValueShape[] perToken = [.. kept.Select(block => block.PerToken).OfType<KeyValueShape>()];
        ImmutableArray<StateShape> states = [.. kept.SelectMany(block => block.PerSequence)];
        long bytesPerToken = 0;
        foreach (KeyValueShape layer in perToken)
        {
            bytesPerToken += (long)layer.Heads * (layer.HeadDim + layer.ValueDim) * type.ElementSize();
        }

        int tokens = pageTokens ?? 16;
        while (pageTokens is null && tokens > 1 && tokens * bytesPerToken > DefaultPageByteLimit)
        {
            tokens /= 2;
        }

        var layers = ImmutableArray.CreateBuilder<LayerBlock>(perToken.Length);
        long offset = 0;
        foreach (KeyValueShape layer in perToken)
        {
            long headBytes = (long)tokens * layer.HeadDim * type.ElementSize();
            long keys = headBytes * layer.Heads;
            layers.Add(new LayerBlock(offset, offset + keys, headBytes));
            offset += keys + ((long)tokens * layer.ValueDim * type.ElementSize() * layer.Heads);
        }

        long pageBytes = states.Select(state => state.PartBytes).Append(leastBytes).Append((offset + 63) & ~63L).Max();
        return new KvLayout(type, tokens, layers.MoveToImmutable(), states, pageBytes);
    }

    /// <summary>The pages as they are counted and owned, of which every shard has a slice that is laid out by itself.</summary>
    /// <param name="slices">The layouts of the slices, all with the same tokens and bytes.</param>
    public static KvLayout OfSlices(ImmutableArray<KvLayout> slices) =>
        new(slices[0].Type, slices[0].PageTokens, [], [], slices[0].PageBytes * slices.Length)
        {
            Shards = slices.Length,
            StatePages = slices.Max(slice => slice.StatePages),
        };

    /// <summary>
    /// Places states: the largest parts first, those of one size side by side, whatever layers they are of. Smaller ones begin in the page
    /// that the larger ones end in.
    /// </summary>
    private static (ImmutableArray<StateBlock> Blocks, int Pages) Place(ImmutableArray<StateShape> states, long pageBytes)
    {
        var blocks = new StateBlock[states.Length];
        int pages = 0;
        long used = pageBytes;
        foreach (IGrouping<long, int> same in
            Enumerable.Range(0, states.Length).GroupBy(state => states[state].PartBytes).OrderByDescending(same => same.Key))
        {
            int pageSlots = (int)(pageBytes / same.Key);
            int slot = checked(((pages - 1) * pageSlots) + (int)Math.Min(pageSlots, (used + same.Key - 1) / same.Key));
            foreach (int state in same)
            {
                blocks[state] = new StateBlock(slot, pageSlots, same.Key);
                slot = checked(slot + states[state].Parts);
            }

            pages = (slot + pageSlots - 1) / pageSlots;
            used = (((slot - 1) % pageSlots) + 1) * same.Key;
        }

        return (ImmutableCollectionsMarshal.AsImmutableArray(blocks), pages);
    }
}

/// <summary>One layer's part of a page, in bytes from the page's start.</summary>
/// <param name="KeyOffset">Where the keys of KV head 0 begin.</param>
/// <param name="ValueOffset">Where the values of KV head 0 begin.</param>
/// <param name="HeadBytes">From one KV head's block to the next.</param>
internal readonly record struct LayerBlock(long KeyOffset, long ValueOffset, long HeadBytes);
