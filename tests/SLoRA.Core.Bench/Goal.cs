using System.Globalization;

namespace SLoRA.Core.Bench;

/// <summary>One figure beside its goal.</summary>
/// <param name="Figure">What was measured.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Ours">Our number.</param>
/// <param name="Peer">The peer's number, or null where none is compared.</param>
/// <param name="Ratio">What the goal is about: ours / peer, or with / without.</param>
/// <param name="Wanted">The goal.</param>
/// <param name="Limit">What the counted operations and bytes allow on this machine, in the same unit.</param>
/// <param name="Share">Achieved / limit.</param>
/// <param name="IsMet">Whether the goal is met.</param>
internal sealed record Goal(
    string Figure, string Unit, double Ours, double? Peer, double Ratio, string Wanted, double Limit, double Share, bool IsMet)
{
    /// <summary>The share of the limit at which a goal counts as met whatever the ratio is.</summary>
    public const double EnoughShare = 0.75;

    /// <summary>The head of the table.</summary>
    public static string Header { get; } =
        "| figure | ours | peer | ratio | goal | limit | achieved / limit | met |\n| --- | --- | --- | --- | --- | --- | --- | --- |";

    /// <summary>A line of the table.</summary>
    public string ToLine() => string.Create(
        CultureInfo.InvariantCulture,
        $"| {Figure} | {Ours:F1} {Unit} | {(Peer is { } peer ? peer.ToString("F1", CultureInfo.InvariantCulture) : "–")} | {Ratio:F2} | "
        + $"{Wanted} | {Limit:F1} | {Share:P0} | {(IsMet ? "yes" : "no")} |");

    /// <summary>A line of JSON.</summary>
    public string ToJson() => string.Create(
        CultureInfo.InvariantCulture,
        $"{{\"figure\":\"{Figure}\",\"unit\":\"{Unit}\",\"ours\":{Ours:F2},"
        + $"\"peer\":{(Peer is { } peer ? peer.ToString("F2", CultureInfo.InvariantCulture) : "null")},"
        + $"\"ratio\":{Ratio:F3},\"goal\":\"{Wanted}\",\"limit\":{Limit:F2},\"share\":{Share:F3},\"met\":{(IsMet ? "true" : "false")}}}");
}
