namespace SLoRA.AspNetCore.Json;

/// <summary>The models that may be asked.</summary>
internal sealed record ModelList(string Object, IReadOnlyList<ModelEntry> Data);

/// <summary>The base model, or an adapter on it, which names the base as its parent.</summary>
internal sealed record ModelEntry(string Id, string Object, long Created, string OwnedBy)
{
    public string? Root { get; init; }

    public string? Parent { get; init; }

    public int? MaxModelLen { get; init; }

    /// <summary>A hash of the adapter's content; none as long as it has not been read.</summary>
    public string? Generation { get; init; }
}
