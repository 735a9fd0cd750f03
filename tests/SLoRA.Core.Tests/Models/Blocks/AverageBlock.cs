using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Models.Blocks;

/// <summary>
/// A block that keeps states of a sequence, as recurrent layers and short convolutions do, and has no weights:
/// <c>s_k ← d_k s_k + (1 − d_k) x</c> for K decays, <c>y[t] = Σ s_k / K + x[t−1] / 2 − x[t−2] / 4</c>. Runs on a
/// <see cref="StateBackend"/>.
/// </summary>
internal sealed record AverageBlock : Block
{
    /// <summary>How many inputs a row looks back at.</summary>
    public const int Inputs = 2;

    /// <summary>Width of the residual stream, D.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Parts of the first state.</summary>
    public required int Parts { get; init; }

    /// <summary>Averages of a part.</summary>
    public required int PartAverages { get; init; }

    public override ImmutableArray<Module> Modules => [];

    public override KeptState Keeps =>
        new(null, new StateShape(Parts, PartAverages * HiddenSize), new StateShape(Inputs, HiddenSize));

    /// <summary>d of an average.</summary>
    public static float Decay(int average) => 1 - (1 / (2f + average));

    public override RunningBlock Load(BlockLoader loader) => new Running(this, loader.FirstState);

    private sealed class Running(AverageBlock block, int firstState) : RunningBlock
    {
        public override void Run(IBackend backend, DeviceRows x, DeviceRows y) =>
            ((StateBackend)backend).Average(block, firstState, x, y);
    }
}
