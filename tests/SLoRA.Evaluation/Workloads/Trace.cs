namespace SLoRA.Evaluation.Workloads;

/// <summary>Requests in the order of their arrival.</summary>
/// <param name="Name">What the trace is, for tables.</param>
/// <param name="Seconds">How long requests were drawn for; the last may arrive a little sooner or later.</param>
/// <param name="Requests">The requests.</param>
internal sealed record Trace(string Name, double Seconds, IReadOnlyList<TraceRequest> Requests)
{
    /// <summary>One more than the largest number of an adapter.</summary>
    public int Adapters => Requests.Count == 0 ? 0 : Requests.Max(request => request.Adapter) + 1;

    /// <summary>The same requests with lengths divided, at least <paramref name="least"/> tokens each: a smaller machine's share.</summary>
    public Trace Shorter(int divisor, int least = 1) => this with
    {
        Requests = [.. Requests.Select(request => request with
        {
            Prompt = Math.Max(least, request.Prompt / divisor),
            Output = Math.Max(least, request.Output / divisor),
        })],
    };

    /// <summary>The same requests with times multiplied.</summary>
    public Trace Stretched(double factor) => this with
    {
        Seconds = Seconds * factor,
        Requests = [.. Requests.Select(request => request with { Arrival = request.Arrival * factor })],
    };

    /// <summary>The prompt of a request: no other request of a trace begins like it.</summary>
    /// <param name="request">Its place in the trace.</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="vocabulary">They are below this.</param>
    public static int[] PromptOf(int request, int tokens, int vocabulary)
    {
        var prompt = new int[tokens];
        ulong state = ((ulong)request * 0x9E3779B97F4A7C15) + 42;
        for (int i = 0; i < tokens; i++)
        {
            state += 0x9E3779B97F4A7C15;
            ulong mixed = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
            prompt[i] = 3 + (int)((mixed ^ (mixed >> 31)) % (ulong)(vocabulary - 3));
        }

        return prompt;
    }
}
