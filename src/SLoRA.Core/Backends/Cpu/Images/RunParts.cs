namespace SLoRA.Backends.Cpu.Images;

/// <summary>Does parts of some work on several threads, and returns when all are done.</summary>
/// <param name="parts">How many.</param>
/// <param name="part">Does one of them; does not throw.</param>
internal delegate void RunParts(int parts, Action<int> part);
