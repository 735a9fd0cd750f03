namespace SLoRA.Step;

/// <summary>
/// A generation that has pages now: what a kernel needs to find its tiles. Immutable; it lives as long as the generation stays resident.
/// </summary>
/// <param name="Directory">Where the tiles lie, by page number within the generation.</param>
/// <param name="Pages">Page number within the generation → page of the pool.</param>
internal sealed record ResidentAdapter(TileDirectory Directory, int[] Pages)
{
    private readonly ResidentAdapter[] _shards = [.. Directory.Shards.Select(part => new ResidentAdapter(part, Pages))];

    /// <summary>What a shard has of it: its own tiles, in its slices of the same pages. All of it on one device, null.</summary>
    public ResidentAdapter OnShard(int? shard) => shard is { } own ? _shards[own] : this;
}
