namespace SLoRA;

/// <summary>One piece of news of a stream: a token, or the end of one of its continuations.</summary>
public readonly record struct GenerationUpdate
{
    /// <summary>A token.</summary>
    public GenerationUpdate(GeneratedToken token) => Token = token;

    /// <summary>The end of a continuation: no token of it follows.</summary>
    public GenerationUpdate(ContinuationEnd end) => End = end;

    /// <summary>The token; meaningless where there is an <see cref="End"/>.</summary>
    public GeneratedToken Token { get; }

    /// <summary>The end; null for a token.</summary>
    public ContinuationEnd? End { get; }

    /// <summary>The continuation that it is about, from 0.</summary>
    public int Continuation => End?.Continuation ?? Token.Continuation;
}
