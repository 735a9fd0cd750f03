namespace SLoRA.HuggingFace;

/// <summary>
/// How far a download is. Reports come from several threads, one after the other; bytes grow, unless wrong ones had to be fetched again.
/// </summary>
/// <param name="Stage">What is being done.</param>
/// <param name="File">The file that it is done to, by its path in the repository; null where it is about none.</param>
/// <param name="Bytes">Bytes that are there, of all files together, those of earlier runs included.</param>
/// <param name="TotalBytes">Bytes of all files that the call found missing; zero until they are known.</param>
public readonly record struct HubProgress(HubStage Stage, string? File, long Bytes, long TotalBytes);
