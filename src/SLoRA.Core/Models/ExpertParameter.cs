using SLoRA.Models.Blocks;

namespace SLoRA.Models;

/// <summary>A parameter that holds a matrix for every expert of a layer: what adapters name in <c>target_parameters</c>.</summary>
/// <param name="Module">The module that it belongs to, such as <c>model.layers.0.mlp.experts</c>.</param>
/// <param name="Alias">The module's name in another version of the reference; null if it has one name only.</param>
/// <param name="Name">Its name within the module.</param>
/// <param name="Place">Which of the module's parameters it is, counted from 0.</param>
/// <param name="Experts">Experts, E.</param>
/// <param name="Inputs">What each expert's product takes.</param>
/// <param name="Outputs">What it gives.</param>
/// <param name="Order">How it lies in the reference.</param>
internal sealed record ExpertParameter(
    string Module, string? Alias, string Name, int Place, int Experts, int Inputs, int Outputs, ExpertOrder Order)
{
    /// <summary>Its full name, and that in another version of the reference.</summary>
    public IEnumerable<string> Names => Alias is null ? [$"{Module}.{Name}"] : [$"{Module}.{Name}", $"{Alias}.{Name}"];
}
