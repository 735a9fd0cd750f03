namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>Something that a kernel must not do, or that the interpreter does not know.</summary>
internal sealed class PtxFault(string message) : Exception(message);
