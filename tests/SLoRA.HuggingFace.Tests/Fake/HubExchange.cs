namespace SLoRA.HuggingFace.Tests.Fake;

/// <summary>A request that the fake Hub or its CDN got.</summary>
/// <param name="To">HUB or CDN.</param>
/// <param name="Method">The method.</param>
/// <param name="Target">Path and query as they were sent.</param>
/// <param name="Authorization">The header; null when there was none.</param>
/// <param name="Range">The header; null when there was none.</param>
/// <param name="AcceptEncoding">The header; null when there was none.</param>
internal sealed record HubExchange(string To, string Method, string Target, string? Authorization, string? Range, string? AcceptEncoding)
{
    public override string ToString() => $"{To} {Method} {Target}";
}
