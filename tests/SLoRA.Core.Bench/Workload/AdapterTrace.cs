namespace SLoRA.Core.Bench.Workload;

/// <summary>
/// Which adapter each request uses, drawn once from a seed, so that every engine serves the same requests in the same order. Any number of
/// clients take from it.
/// </summary>
internal sealed class AdapterTrace
{
    private const uint Seed = 42;

    private readonly int[] _adapters;
    private int _next = -1;

    /// <summary>Draws the requests.</summary>
    /// <param name="registered">Adapters.</param>
    /// <param name="exponent">Of Zipf's law; 0 for uniform.</param>
    public AdapterTrace(int registered, double exponent)
    {
        var random = new LegacyRandom(Seed);
        var zipf = new Zipf(registered, exponent);
        _adapters = new int[1 << 16];
        for (int i = 0; i < _adapters.Length; i++)
        {
            _adapters[i] = zipf.Next(random);
        }
    }

    /// <summary>The number of the next request.</summary>
    public int Take() => Interlocked.Increment(ref _next);

    /// <summary>The adapter of a request.</summary>
    public int AdapterOf(int request) => _adapters[request % _adapters.Length];

    /// <summary>The prompt of a request: no other request of the trace begins like it.</summary>
    public static int[] PromptOf(int request, int tokens, int vocabulary)
    {
        var random = new LegacyRandom(Seed + 1 + (uint)request);
        var prompt = new int[tokens];
        for (int i = 0; i < tokens; i++)
        {
            prompt[i] = random.NextInteger(3, vocabulary);
        }

        return prompt;
    }
}
