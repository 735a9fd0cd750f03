using System.Globalization;

namespace SLoRA.Formats.Mlx;

/// <summary>The matrices of an expert, as MLX has them.</summary>
internal enum MlxExpertPart
{
    /// <summary>What the activation is applied to.</summary>
    Gate,

    /// <summary>What it is multiplied with; the one product before the activation where there is no gate.</summary>
    Up,

    /// <summary>The product behind both.</summary>
    Down,
}

/// <summary>
/// What a model calls the matrices of its experts, each of which MLX keeps for all experts in one module: <c>mlp.switch_mlp.up_proj</c> is
/// <c>mlp.experts.3.up_proj</c> for expert 3.
/// </summary>
/// <param name="Name">The experts within their layer, such as <c>mlp.experts</c>.</param>
/// <param name="Gate">The gate of one; null if they have none.</param>
/// <param name="Up">The up of one. The same name as the gate's if they are one matrix, whose rows are those of both in turn.</param>
/// <param name="Down">The down of one.</param>
internal sealed record MlxExperts(string Name, string? Gate, string Up, string Down)
{
    /// <summary>The most experts of a layer that are read.</summary>
    public const int Most = 1 << 12;

    // What MLX has in the place of a model's "experts", or within it.
    private static readonly string[] Around = [".switch_mlp", ".switch_glu"];

    /// <summary>Whether gate and up are one matrix.</summary>
    public bool AreInTurn => Gate == Up;

    /// <summary>Whether a module has a name that only those of experts have in MLX.</summary>
    public static bool IsOne(string module) => Bare(Above(module)) != Above(module);

    /// <summary>Which matrices a module of MLX holds, by its name within its layer; null if it is none of experts.</summary>
    public MlxExpertPart? PartOf(string module)
    {
        string above = Above(module), bare = Bare(above);
        return bare != Name && (bare == above || bare + ".experts" != Name) ? null : module[(above.Length + 1)..] switch
        {
            "gate_proj" when Gate is not null => MlxExpertPart.Gate,
            "up_proj" or "fc1" => MlxExpertPart.Up,
            "down_proj" or "fc2" => MlxExpertPart.Down,
            _ => null,
        };
    }

    /// <summary>The name of a matrix of one expert.</summary>
    /// <param name="layer">What stands before names of the layer, its dot included.</param>
    /// <param name="part">The matrix.</param>
    /// <param name="expert">The expert.</param>
    public string Module(string layer, MlxExpertPart part, int expert) => string.Create(CultureInfo.InvariantCulture,
        $"{layer}{Name}.{expert}.{part switch { MlxExpertPart.Gate => Gate, MlxExpertPart.Up => Up, _ => Down }}");

    private static string Above(string module) => module[..Math.Max(0, module.LastIndexOf('.'))];

    private static string Bare(string above) =>
        Array.Find(Around, around => above.EndsWith(around, StringComparison.Ordinal)) is { } around ? above[..^around.Length] : above;
}
