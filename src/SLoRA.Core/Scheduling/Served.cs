namespace SLoRA.Scheduling;

/// <summary>What the engine has done for a sequence: what an order that shares it out can charge.</summary>
/// <param name="PromptRows">Rows computed that give no token: of the prompt, and what is computed once more after a preemption.</param>
/// <param name="OutputRows">Rows computed that give a token.</param>
/// <param name="PageInBytes">Bytes of adapters that are copied into pages because it wants them there.</param>
internal readonly record struct Served(int PromptRows, int OutputRows, long PageInBytes);
