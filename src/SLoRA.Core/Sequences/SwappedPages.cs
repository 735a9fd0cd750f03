using System.Collections.Immutable;
using SLoRA.Native;

namespace SLoRA.Sequences;

/// <summary>What is kept of a preempted sequence, in main memory: its states, keys and values.</summary>
/// <param name="Blocks">One block per page, in the order of <see cref="Pool.PageTable.AllPagesOf"/>.</param>
/// <param name="Tokens">How many tokens they hold.</param>
internal sealed record SwappedPages(ImmutableArray<NativeBlock> Blocks, int Tokens);
