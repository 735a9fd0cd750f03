using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Experiments;

/// <summary>A column of the paper's evaluation: a device, a setting, a rate, and the tokens that it was given.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Device">The device.</param>
/// <param name="Setting">Model and ranks.</param>
/// <param name="PoolTokens">Tokens of the pool that the authors' server was started with.</param>
/// <param name="Rate">Requests per second.</param>
/// <param name="Adapters">The numbers of adapters.</param>
/// <param name="Anchor">The throughput that S-LoRA had with one adapter.</param>
internal sealed record PaperSuite(
    string Name, DeviceProfile Device, Setting Setting, int PoolTokens, double Rate, IReadOnlyList<int> Adapters, double Anchor)
{
    /// <summary>The columns of figure 5.</summary>
    public static IReadOnlyList<PaperSuite> All { get; } =
    [
        new("a10g-s1", DeviceProfile.A10G, Setting.Find("S1"), 14_500, 2, [1, 20, 50, 100, 200], 1.831),
        new("a10g-s2", DeviceProfile.A10G, Setting.Find("S2"), 14_500, 2, [1, 20, 50, 100, 200], 1.744),
        new("a100-40-s4", DeviceProfile.A100Of40, Setting.Find("S4"), 14_000, 2, [1, 20, 50, 100, 200], 1.671),
        new("a100-80-s2", DeviceProfile.A100, Setting.Find("S2"), 125_000, 10, [1, 20, 50, 100, 200], 7.737),
        new("a100-80-s4", DeviceProfile.A100, Setting.Find("S4"), 65_000, 6, [1, 100, 200, 400], 4.429),
    ];

    /// <summary>The column of a name.</summary>
    public static PaperSuite Find(string name) => All.First(suite => suite.Name == name);
}
