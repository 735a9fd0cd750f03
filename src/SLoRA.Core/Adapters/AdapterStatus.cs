using SLoRA.Adapters;

namespace SLoRA;

/// <summary>One registered adapter.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Coverage">What it covers.</param>
/// <param name="Generation">Hash of its content in hexadecimal digits; null until the content has been read.</param>
/// <param name="Pages">Pages that its weights take when they are in the pool.</param>
/// <param name="IsResident">Whether they are there now.</param>
/// <param name="Requests">Requests that hold it, waiting ones included.</param>
public sealed record AdapterStatus(string Name, AdapterCoverage Coverage, string? Generation, int Pages, bool IsResident, int Requests)
{
    /// <summary>What the name has served.</summary>
    public AdapterTraffic Traffic { get; init; }

    internal static AdapterStatus Of(AdapterRegistration registration)
    {
        Generation? generation = registration.Generation;
        return new AdapterStatus(
            registration.Name,
            registration.Description.Coverage,
            generation?.Id.ToString(),
            registration.Directory.PageCount,
            generation?.Resident is not null,
            registration.Leases)
        {
            Traffic = registration.Counters.Read(),
        };
    }
}
