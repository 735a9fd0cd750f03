using System.Globalization;

namespace SLoRA.Core.Bench;

/// <summary>A figure beside its goal.</summary>
/// <param name="Name">What is measured.</param>
/// <param name="Achieved">The figure.</param>
/// <param name="Goal">What it shall be at least, or at most.</param>
/// <param name="IsAtMost">Which of these.</param>
/// <param name="Format">How a number is written: F2, P1.</param>
/// <param name="Detail">The numbers that it was made of.</param>
internal sealed record GoalRow(string Name, double Achieved, double Goal, bool IsAtMost, string Format, string Detail)
{
    /// <summary>Whether the goal is reached.</summary>
    public bool IsReached => IsAtMost ? Achieved <= Goal : Achieved >= Goal;

    /// <summary>How far it is: 1 is the goal, more is better.</summary>
    public double Share => IsAtMost ? Goal / Achieved : Achieved / Goal;

    /// <summary>A row of a table in Markdown.</summary>
    public string ToMarkdown() => string.Create(
        CultureInfo.InvariantCulture,
        $"| {Name} | {Write(Achieved)} | {(IsAtMost ? "≤" : "≥")} {Write(Goal)} | {(IsReached ? "yes" : "no")} | {Detail} |");

    private string Write(double value) => Format.StartsWith('P')
        ? (100 * value).ToString("F" + Format[1..], CultureInfo.InvariantCulture) + " %"
        : value.ToString(Format, CultureInfo.InvariantCulture);
}
