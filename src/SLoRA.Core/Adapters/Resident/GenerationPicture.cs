namespace SLoRA.Adapters.Resident;

/// <summary>What the outside sees of a generation: immutable, of one moment, and replaced by the engine's thread at each change.</summary>
/// <param name="IsResident">Whether its pages are complete.</param>
/// <param name="ImageBytes">Bytes of its image in main memory; null when there is none.</param>
/// <param name="PageIns">How often it was copied into pages.</param>
/// <param name="Evictions">How often its pages were taken away.</param>
/// <param name="Hits">How often an admitted request found it resident, or on its way.</param>
internal sealed record GenerationPicture(bool IsResident, long? ImageBytes, long PageIns, long Evictions, long Hits);
