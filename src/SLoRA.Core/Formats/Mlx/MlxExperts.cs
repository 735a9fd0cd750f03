namespace SLoRA.Formats.Mlx;

/// <summary>
/// A module of MLX that holds the matrices of all experts, and what checkpoints call that of each: <c>mlp.switch_mlp.up_proj</c> is
/// <c>mlp.experts.3.up_proj</c> for expert 3.
/// </summary>
/// <param name="Start">The name up to the number.</param>
/// <param name="End">The name behind it.</param>
internal readonly record struct MlxExperts(string Start, string End)
{
    /// <summary>The most experts of a layer that are read.</summary>
    public const int Most = 1 << 12;

    // Those of Mixtral, MiniMax and LFM2, which MLX calls by the usual names.
    private static readonly string[] NumberedIn = ["block_sparse_moe", "feed_forward"];

    private static readonly string[] Modules = ["switch_mlp", "switch_glu"];

    /// <summary>The experts of a module; null if it is none of experts.</summary>
    public static MlxExperts? Of(string module)
    {
        string[] parts = module.Split('.');
        if (parts.Length < 3 || !Modules.Contains(parts[^2]))
        {
            return null;
        }

        // Gemma's experts have a module of their own around this one.
        string around = string.Join('.', parts[..^2]);
        string end = NumberedIn.Contains(parts[^3])
            ? parts[^1] switch { "gate_proj" => "w1", "down_proj" => "w2", "up_proj" => "w3", _ => parts[^1] }
            : parts[^1];
        return new MlxExperts(parts[^3] == "experts" ? around : around + ".experts", end);
    }

    /// <summary>The module of one expert.</summary>
    public string Module(int expert) => FormattableString.Invariant($"{Start}.{expert}.{End}");
}
