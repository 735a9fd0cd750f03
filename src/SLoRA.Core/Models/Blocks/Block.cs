using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Models.Blocks;

/// <summary>
/// What a layer adds to the residual stream, as data: hidden state <c>[T, D]</c> → what is added to it <c>[T, D]</c>. It declares its
/// modules, says what it keeps of a sequence, and makes of loaded weights what computes. A new kind of block is a new record here and
/// nothing anywhere else.
/// </summary>
internal abstract record Block
{
    /// <summary>Every module of the block, once, in the order of the checkpoint.</summary>
    public abstract ImmutableArray<Module> Modules { get; }

    /// <summary>What it keeps of a sequence.</summary>
    public virtual KeptState Keeps => default;

    /// <summary>The attention that it computes; null if it computes none.</summary>
    public virtual GroupedAttention? Attention => null;

    /// <summary>How its rotation depends on the length of the sequence; null if it does not.</summary>
    public virtual RopeLengths? RopeLengths => null;

    /// <summary>Whether it computes a recurrence, or gates what attention gives.</summary>
    public virtual bool IsRecurrent => false;

    /// <summary>Loads every declared module exactly once and makes of them what computes.</summary>
    public abstract RunningBlock Load(BlockLoader loader);
}

/// <summary>A block with its weights on a device.</summary>
internal abstract class RunningBlock
{
    /// <summary>Computes <c>y = block(x)</c> for all rows of the current step; x and y are <c>[T, D]</c> and not the same.</summary>
    public abstract void Run(IBackend backend, DeviceRows x, DeviceRows y);
}
