using SLoRA;

namespace ThousandTenants;

/// <summary>What the view shows: the engine's status at one moment, and what the callers have seen.</summary>
/// <param name="Elapsed">Since the first question.</param>
/// <param name="Status">The engine.</param>
/// <param name="Tenants">All tenants.</param>
/// <param name="TenantsAsked">Those that have been asked something.</param>
/// <param name="Made">Adapters that were made for the engine.</param>
/// <param name="Answers">Answers so far.</param>
/// <param name="Tokens">Their tokens.</param>
/// <param name="TokensPerSecond">Since the figures before.</param>
internal sealed record Figures(
    TimeSpan Elapsed, EngineStatus Status, int Tenants, int TenantsAsked, long Made, long Answers, long Tokens, double TokensPerSecond);
