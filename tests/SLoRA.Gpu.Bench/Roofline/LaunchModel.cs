namespace SLoRA.Gpu.Bench.Roofline;

/// <summary>What one launch asks of a card, counted from its parameters and from the kernel's machine code.</summary>
/// <param name="Kernel">The kernel, as the budgets name it.</param>
/// <param name="Groups">Groups of 128 threads.</param>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="SharedBytes">Shared memory of a group.</param>
/// <param name="MemoryBytes">Bytes that move between memory and chip.</param>
/// <param name="CacheBytes">Bytes that multiprocessors ask for, those that the cache has among them.</param>
/// <param name="TensorFma">Multiply-adds on tensor cores.</param>
/// <param name="Instructions">Warp instructions.</param>
/// <param name="BytesUnderWay">Bytes that a group has asked for and not got yet, on the whole.</param>
internal sealed record LaunchModel(
    string Kernel, long Groups, int Registers, int SharedBytes, double MemoryBytes, double CacheBytes, double TensorFma,
    double Instructions, int BytesUnderWay)
{
    private const int GroupThreads = 128;

    /// <summary>Groups that a multiprocessor holds at once.</summary>
    public int Resident(Card card)
    {
        // Registers are given out in units of 8 per thread; a group needs 1 KiB of shared memory for the system.
        int byRegisters = Card.Registers / (((Registers + 7) / 8 * 8) * GroupThreads);
        int byShared = card.SharedBytes / (SharedBytes + 1024);
        return Math.Min(Math.Min(byRegisters, byShared), Math.Min(card.Threads / GroupThreads, 32));
    }

    /// <summary>What it takes, and what limits it.</summary>
    public Prediction On(Card card)
    {
        // The busiest multiprocessor has the most groups; as many others wait for it.
        long busiest = (Groups + card.Multiprocessors - 1) / card.Multiprocessors;
        double uneven = (double)busiest * card.Multiprocessors / Groups;
        long active = Math.Min(Groups, card.Multiprocessors * Math.Min(busiest, Resident(card)));
        double cycles = card.Multiprocessors * card.Hertz;
        double memory = MemoryBytes / Math.Min(card.BytesPerSecond, active * BytesUnderWay / Card.Latency);
        double cache = CacheBytes / card.CacheBytesPerSecond;
        double tensor = TensorFma / (cycles * card.TensorFma) * uneven;
        double issue = Instructions / (cycles * Card.Issues) * uneven;
        double longest = Math.Max(Math.Max(memory, cache), Math.Max(tensor, issue));
        string limit = longest == memory ? (memory > MemoryBytes / card.BytesPerSecond ? "requests" : "memory")
            : longest == cache ? "cache" : longest == tensor ? "tensor cores" : "issue";
        return new Prediction(longest + Card.Launch, limit);
    }
}

/// <summary>A launch on a card.</summary>
/// <param name="Seconds">From the launch to the next.</param>
/// <param name="Limit">What takes longest: memory, requests (too few are under way for the memory), cache, tensor cores, issue.</param>
internal readonly record struct Prediction(double Seconds, string Limit);
