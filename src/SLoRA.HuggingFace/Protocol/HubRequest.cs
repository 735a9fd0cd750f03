namespace SLoRA.HuggingFace.Protocol;

/// <summary>A request to the Hub, or to an address that it has given.</summary>
/// <param name="Method">GET or HEAD.</param>
/// <param name="Address">The first address.</param>
/// <param name="Subject">What is asked for, for messages.</param>
internal sealed record HubRequest(HttpMethod Method, Uri Address, string Subject)
{
    /// <summary>First and last byte that are wanted; null for all.</summary>
    public (long First, long Last)? Range { get; init; }

    /// <summary>Whether a redirection to another host is an answer of its own, whose headers are what is wanted.</summary>
    public bool StaysAtHub { get; init; }

    /// <summary>Tries, the first included.</summary>
    public int Attempts { get; init; } = RetryRule.MostAttempts;

    /// <summary>Told when the Hub has to be waited for.</summary>
    public Action? Waits { get; init; }
}
