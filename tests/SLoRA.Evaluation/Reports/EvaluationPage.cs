using System.Text.RegularExpressions;

namespace SLoRA.Evaluation.Reports;

/// <summary>
/// A page whose tables stand between two marks, <c>&lt;!-- table NAME --&gt;</c> and <c>&lt;!-- end --&gt;</c>: what is between them is
/// made from the results, everything else is written by people.
/// </summary>
internal static partial class EvaluationPage
{
    /// <summary>Replaces the tables of a page.</summary>
    /// <param name="page">The page.</param>
    /// <param name="table">Gives the table of a name; null where there are no results for it, and what stands there stays.</param>
    public static string Replace(string page, Func<string, string?> table) => Marked().Replace(page, match =>
        table(match.Groups["name"].Value) is { } text
            ? $"{match.Groups["begin"].Value}\n{text}\n{match.Groups["end"].Value}"
            : match.Value);

    /// <summary>The names of the tables of a page.</summary>
    public static IEnumerable<string> Names(string page) => Marked().Matches(page).Select(match => match.Groups["name"].Value);

    [GeneratedRegex(@"(?<begin><!-- table (?<name>[\w-]+) -->)\n(?:.*?\n)??(?<end><!-- end -->)", RegexOptions.Singleline)]
    private static partial Regex Marked();
}
