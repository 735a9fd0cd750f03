using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>
/// Many adapters behind one pool, and who asks for them: a closed loop of clients, each of which asks again when it has been answered.
/// </summary>
internal sealed record AdaptersWorkload
{
    /// <summary>Tokens of a prompt.</summary>
    public const int Prompt = 128;

    /// <summary>Tokens of an answer.</summary>
    public const int Output = 64;

    /// <summary>The decoder.</summary>
    public required Shape Shape { get; init; }

    /// <summary>Type of the base weights.</summary>
    public required TensorType Weights { get; init; }

    /// <summary>Adapters.</summary>
    public required int Registered { get; init; }

    /// <summary>Adapters of mean size that fit into the pool beside the KV cache; null when all shall.</summary>
    public required int? Resident { get; init; }

    /// <summary>Clients.</summary>
    public required int Concurrency { get; init; }

    /// <summary>The exponent of Zipf's law that adapters are drawn by; 0 draws uniformly.</summary>
    public required double Zipf { get; init; }

    /// <summary>How long is measured.</summary>
    public required double Seconds { get; init; }

    /// <summary>How long the same traffic runs before that.</summary>
    public required double WarmUpSeconds { get; init; }

    /// <summary>Threads that compute.</summary>
    public required int Threads { get; init; }

    /// <summary>Bytes of main memory, beside the pool, for the contents of adapters.</summary>
    public long HostBytes { get; init; } = 4L << 30;

    /// <summary>
    /// Whether every content has been read before anything is measured, so that what the pool has no room for lies in main memory.
    /// </summary>
    public bool IsRead { get; init; }

    /// <summary>Pages of a pool with room for the KV cache of all clients and for the adapters.</summary>
    public int Pages(KvPages kv)
    {
        double adapterPages = 0;
        for (int i = 0; i < Registered; i++)
        {
            adapterPages += kv.PagesOfAdapter(RandomAdapter.BytesOf(Shape, i));
        }

        double share = Resident is { } resident ? Math.Min(1, (double)resident / Registered) : 1;
        return (Concurrency * kv.PagesOfSequence(Prompt + Output)) + (int)Math.Ceiling(adapterPages * share);
    }
}

/// <summary>What things take in pages.</summary>
/// <param name="PageBytes">Bytes of a page.</param>
/// <param name="PageTokens">Tokens of a page.</param>
internal readonly record struct KvPages(long PageBytes, int PageTokens)
{
    /// <summary>Pages of a sequence.</summary>
    public int PagesOfSequence(int tokens) => (tokens + PageTokens - 1) / PageTokens;

    /// <summary>Pages of an adapter: its bytes, and a page for the ends of tiles.</summary>
    public long PagesOfAdapter(long bytes) => ((bytes + PageBytes - 1) / PageBytes) + 1;
}
