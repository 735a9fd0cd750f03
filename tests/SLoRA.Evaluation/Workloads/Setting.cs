namespace SLoRA.Evaluation.Workloads;

/// <summary>A setting of S-LoRA's Table 1: a model, and the ranks that adapters have in turn.</summary>
/// <param name="Name">S1 to S6.</param>
/// <param name="Model">The model.</param>
/// <param name="Ranks">Adapter i has rank <c>Ranks[i mod count]</c>.</param>
internal sealed record Setting(string Name, PaperModel Model, IReadOnlyList<int> Ranks)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        new("S1", PaperModel.Llama7B, [8]),
        new("S2", PaperModel.Llama7B, [64, 32, 16, 8]),
        new("S3", PaperModel.Llama13B, [16]),
        new("S4", PaperModel.Llama13B, [64, 32, 16]),
        new("S5", PaperModel.Llama30B, [32]),
        new("S6", PaperModel.Llama70B, [64]),
    ];

    /// <summary>The largest rank.</summary>
    public int LargestRank => Ranks.Max();

    /// <summary>The rank of an adapter.</summary>
    public int RankOf(int adapter) => Ranks[adapter % Ranks.Count];

    /// <summary>The setting of a name.</summary>
    public static Setting Find(string name) => All.First(setting => setting.Name == name);
}
