namespace SLoRA;

/// <summary>One module that an adapter changes.</summary>
/// <param name="Module">The module's name in the base model, such as <c>model.layers.0.self_attn.q_proj</c>.</param>
/// <param name="Rank">The rank of its matrices.</param>
/// <param name="Scale">What multiplies B A: alpha / rank, or alpha / √rank for rsLoRA.</param>
public sealed record AdapterModuleCoverage(string Module, int Rank, float Scale);
