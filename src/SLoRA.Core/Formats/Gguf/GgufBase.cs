namespace SLoRA.Formats.Gguf;

/// <summary>What an adapter's GGUF file must know of the base model that it is read for.</summary>
/// <param name="Architecture">The architecture that the model has in GGUF files; null where there is none.</param>
/// <param name="HeadRows">Rows of a head of queries and keys.</param>
internal readonly record struct GgufBase(GgufArchitecture? Architecture, HeadRows HeadRows);
