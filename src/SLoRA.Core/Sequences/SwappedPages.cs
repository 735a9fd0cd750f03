using System.Collections.Immutable;
using SLoRA.Native;

namespace SLoRA.Sequences;

/// <summary>Keys and values of a preempted sequence in main memory.</summary>
/// <param name="Blocks">One block per page, in token order.</param>
/// <param name="Tokens">How many tokens they hold.</param>
internal sealed record SwappedPages(ImmutableArray<NativeBlock> Blocks, int Tokens);
