namespace SLoRA.Step;

/// <summary>
/// A generation that has pages now: what a kernel needs to find its tiles. Immutable; it lives as long as the generation stays resident.
/// </summary>
/// <param name="Directory">Where the tiles lie, by page number within the generation.</param>
/// <param name="Pages">Page number within the generation → page of the pool.</param>
internal sealed record ResidentAdapter(TileDirectory Directory, int[] Pages);
