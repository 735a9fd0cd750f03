using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Backends;

/// <summary>The weights <c>[Experts, Outputs, Inputs]</c> of one product of every expert of a layer, in device memory.</summary>
internal abstract class DeviceExperts(int experts, int outputs, int inputs)
{
    /// <summary>Experts, E.</summary>
    public int Experts { get; } = experts;

    /// <summary>What each product gives.</summary>
    public int Outputs { get; } = outputs;

    /// <summary>What each product takes.</summary>
    public int Inputs { get; } = inputs;
}

/// <summary>
/// The experts that the rows of the step have chosen in the present layer, with their weights, and the routed rows in the order of the
/// experts: what is computed for one expert lies together. Filled by <see cref="IBackend.Route"/> and used by what follows it.
/// </summary>
internal abstract class DeviceRoutes(int experts, int chosen)
{
    /// <summary>Experts, E.</summary>
    public int Experts { get; } = experts;

    /// <summary>Experts of a row, k.</summary>
    public int Chosen { get; } = chosen;
}

/// <summary>The weights of a layer's experts as they are loaded: for each expert its parts, whose outputs lie side by side.</summary>
/// <param name="Experts">Experts, E.</param>
/// <param name="PartOutputs">Outputs of each part.</param>
/// <param name="Inputs">Inputs of all parts.</param>
/// <param name="Source">(expert, part) → its weight. Asked once for each, expert by expert; the memory may go with the next
/// question.</param>
internal sealed record ExpertSources(int Experts, ImmutableArray<int> PartOutputs, int Inputs, Func<int, int, WeightSource> Source)
{
    /// <summary>How shards share the experts, a column for each: each has some of them, whole. Null if each has all.</summary>
    public Split? Owners { get; init; }

    /// <summary>Outputs of all parts.</summary>
    public int Outputs => PartOutputs.Sum();
}

/// <summary>Modules that adapters target in a product of experts: one for each expert, consecutive in the directories.</summary>
/// <param name="FirstTarget">The module of expert 0.</param>
/// <param name="FirstColumn">Where its outputs begin among those of the product.</param>
/// <param name="Columns">Its outputs.</param>
internal readonly record struct ExpertTargets(int FirstTarget, int FirstColumn, int Columns);

/// <summary>One product of every expert of a layer: <c>y = x W_eᵀ + b_e</c>.</summary>
/// <param name="Weights">W.</param>
/// <param name="Bias">b, <c>[E · Outputs]</c>; null for none.</param>
/// <param name="Targets">What adapters can change in it.</param>
internal sealed record ExpertLinear(DeviceExperts Weights, DeviceVector? Bias, ImmutableArray<ExpertTargets> Targets)
{
    /// <summary>Where the leaves of the sums over its inputs begin, and the end of the inputs: one leaf.</summary>
    public ImmutableArray<int> InputBorders { get; } = [0, Weights.Inputs];
}
