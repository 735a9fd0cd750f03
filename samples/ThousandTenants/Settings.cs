namespace ThousandTenants;

/// <summary>What is simulated.</summary>
/// <param name="Tenants">Tenants, each with an adapter of its own.</param>
/// <param name="Clients">Callers that ask at the same time.</param>
/// <param name="Zipf">The exponent of Zipf's law that tenants are drawn by: 0 draws uniformly.</param>
/// <param name="PoolMiB">Size of the page pool.</param>
/// <param name="HostMiB">Main memory for adapters beside it.</param>
/// <param name="MaxTokens">The most tokens of an answer.</param>
/// <param name="Duration">How long it runs.</param>
internal sealed record Settings(int Tenants, int Clients, double Zipf, int PoolMiB, int HostMiB, int MaxTokens, TimeSpan Duration);
