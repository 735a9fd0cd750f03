namespace SLoRA.Models.Blocks;

/// <summary>One addition to the residual stream, <see cref="Branch"/>, on its device.</summary>
/// <param name="Norm">The norm before the block, or null.</param>
/// <param name="Block">The block.</param>
/// <param name="NormBehind">The norm of what the block gives, or null.</param>
/// <param name="Multiplier">What is added is multiplied by it.</param>
/// <param name="FactorBehind">What the residual stream is multiplied by behind the addition.</param>
internal readonly record struct LoadedBranch(
    LoadedNorm? Norm, RunningBlock Block, LoadedNorm? NormBehind, float Multiplier, float FactorBehind);
