using System.Collections.Immutable;

namespace SLoRA.Formats.Gguf;

/// <summary>One tensor of a GGUF file, as its checked header describes it.</summary>
/// <param name="Name">The name in the file.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Shape">Its dimensions, outermost first: in the file they stand the other way round.</param>
/// <param name="Begin">The offset of its first byte, counted from the start of the file.</param>
/// <param name="Length">Its bytes.</param>
internal sealed record GgufTensor(string Name, GgufType Type, ImmutableArray<long> Shape, long Begin, long Length);
