using System.Collections.Immutable;
using System.Runtime.InteropServices;
using SLoRA.Formats;

namespace SLoRA.Step;

/// <summary>
/// Where what a decoder keeps of a sequence lies in its pages. A page of tokens spans the layers of one group (<see cref="LayerGroups"/>)
/// for a <b>block</b> of <see cref="PageTokens"/> tokens: for each layer first the keys, then the values, each
/// <c>[kvHeads, PageTokens × headDim]</c>. Where elements are 8-bit integers, the fp32 scales of a head's tokens follow them: what is kept
/// of a token is its own integers times its own scale. The <see cref="StatePages"/> pages of states hold the <see cref="States"/> of all
/// layers, part by part. How the elements of one head's block or of one part are ordered is the backend's own business, since only the
/// backend that writes them reads them.
/// </summary>
internal sealed class KvLayout
{
    /// <summary>The largest page that the default page size may have.</summary>
    public const long DefaultPageByteLimit = 2L << 20;

    /// <summary>The smallest page: below it the tiles of adapters find no room.</summary>
    public const long SmallestPage = 1024;

    private KvLayout(
        TensorType type, int pageTokens, ImmutableArray<Sight> groups, ImmutableArray<LayerBlock> layers, ImmutableArray<StateShape> states,
        long pageBytes)
    {
        Type = type;
        Groups = groups;
        PageTokens = pageTokens;
        Layers = layers;
        PageBytes = pageBytes;
        (States, StatePages) = Place(states, pageBytes);
    }

    /// <summary>The element type of keys and values.</summary>
    public TensorType Type { get; }

    /// <summary>Whether what is kept of a token is integers and their scales.</summary>
    public bool HasScales => IsInteger(Type);

    /// <summary>Tokens per page, a power of two.</summary>
    public int PageTokens { get; }

    /// <summary>
    /// What the rows of each group of layers see: a sequence has a page of each group for a block of tokens, as long as the group's rows
    /// see one of them. At least one; those that see everything come first.
    /// </summary>
    public ImmutableArray<Sight> Groups { get; }

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

    /// <summary>Blocks of <paramref name="tokens"/> tokens: the pages that hold their keys and values, of one group.</summary>
    public int PagesFor(int tokens) => (int)(((long)tokens + PageTokens - 1) / PageTokens);

    /// <summary>Whether what a layer keeps of tokens fills its blocks to the last byte.</summary>
    public bool IsWhole(KeyValueShape kept) => !HasScales
        || (KeyValueShape.IntegersOf(kept.HeadDim, kept.OwnScaleColumns) == kept.HeadDim && PageTokens % 4 == 0);

    /// <summary>Lays out the pages of a decoder.</summary>
    /// <param name="kept">What its blocks keep, in the order of <see cref="Layers"/> and <see cref="States"/>.</param>
    /// <param name="type">Element type of keys and values.</param>
    /// <param name="pageTokens">Tokens per page; null takes the largest power of two ≤ 16 whose page is at most 2 MiB.</param>
    /// <param name="leastBytes">The smallest page that will do.</param>
    /// <param name="groups">Which layers share pages; null to find that out.</param>
    public static KvLayout For(
        ImmutableArray<KeptState> kept, TensorType type, int? pageTokens = null, long leastBytes = SmallestPage, LayerGroups? groups = null)
    {
        ImmutableArray<KeyValueShape> perToken = [.. kept.Select(block => block.PerToken).OfType<KeyValueShape>()];
        groups ??= LayerGroups.Of(perToken);
        ImmutableArray<StateShape> states = [.. kept.SelectMany(block => block.PerSequence)];
        var bytes = new long[groups.Sights.Length];
        for (int layer = 0; layer < perToken.Length; layer++)
        {
            bytes[groups.GroupOf[layer]] +=
                IsInteger(type) ? perToken[layer].IntegerBytes : perToken[layer].Elements * type.ElementSize();
        }

        long bytesPerToken = bytes.Max();
        int tokens = pageTokens ?? 16;
        while (pageTokens is null && tokens > 1 && tokens * bytesPerToken > DefaultPageByteLimit)
        {
            tokens /= 2;
        }

        var layers = ImmutableArray.CreateBuilder<LayerBlock>(perToken.Length);
        var offsets = new long[groups.Sights.Length];
        for (int i = 0; i < perToken.Length; i++)
        {
            KeyValueShape layer = perToken[i];
            ref long offset = ref offsets[groups.GroupOf[i]];
            (long scales, long headBytes) = Head(type, tokens, layer.HeadDim, layer.OwnScaleColumns);
            long keys = headBytes * layer.Heads;
            layers.Add(new LayerBlock(offset, offset + keys, headBytes, groups.GroupOf[i], scales));
            offset += keys + (layer.ValueDim == 0 ? 0 : Head(type, tokens, layer.ValueDim).Bytes * layer.Heads);
        }

        long pageBytes = states.Select(state => state.PartBytes).Append(leastBytes).Append((offsets.Max() + 63) & ~63L).Max();
        return new KvLayout(type, tokens, groups.Sights, layers.MoveToImmutable(), states, pageBytes);
    }

    /// <summary>The pages as they are counted and owned, of which every shard has a slice that is laid out by itself.</summary>
    /// <param name="slices">The layouts of the slices, all with the same tokens and bytes.</param>
    public static KvLayout OfSlices(ImmutableArray<KvLayout> slices) =>
        new(slices[0].Type, slices[0].PageTokens, slices[0].Groups, [], [], slices[0].PageBytes * slices.Length)
        {
            Shards = slices.Length,
            StatePages = slices.Max(slice => slice.StatePages),
        };

    private static bool IsInteger(TensorType type) => type == TensorType.I8;

    /// <summary>One head's block: where its scales begin, if it has any, and what it takes.</summary>
    private static (long Scales, long Bytes) Head(TensorType type, int tokens, int columns, int own = 0)
    {
        if (!IsInteger(type))
        {
            return (0, (long)tokens * columns * type.ElementSize());
        }

        long elements = (long)tokens * KeyValueShape.IntegersOf(columns, own);
        int scales = own > 0 ? 2 : 1;
        return (elements, elements + ((((long)scales * tokens * sizeof(float)) + 15) & ~15L));
    }

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
/// <param name="Group">In whose pages it lies: an index of <see cref="KvLayout.Groups"/>.</param>
/// <param name="ScaleOffset">From the beginning of a head's block to the scales of its tokens, where elements are integers; where a token
/// has two (<see cref="KeyValueShape.OwnScaleColumns"/>), all tokens' first ones, then all tokens' second ones.</param>
internal readonly record struct LayerBlock(long KeyOffset, long ValueOffset, long HeadBytes, int Group = 0, long ScaleOffset = 0);
