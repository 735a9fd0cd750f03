using System.Globalization;
using System.Text;

namespace SLoRA.Evaluation.Reports;

/// <summary>A table in Markdown.</summary>
/// <param name="head">The names of the columns.</param>
internal sealed class MarkdownTable(params IReadOnlyList<string> head)
{
    private readonly StringBuilder _text = new StringBuilder()
        .AppendLine($"| {string.Join(" | ", head)} |").AppendLine($"| {string.Join(" | ", head.Select(_ => "---"))} |");

    /// <summary>Adds a row.</summary>
    public MarkdownTable Add(params IReadOnlyList<string> cells)
    {
        _text.AppendLine($"| {string.Join(" | ", cells)} |");
        return this;
    }

    /// <summary>The table, without the last end of line.</summary>
    public override string ToString() => _text.ToString().ReplaceLineEndings("\n").TrimEnd();

    /// <summary>A number for a cell, to three digits that count; – for none.</summary>
    public static string Number(double? value) => value switch
    {
        null => "–",
        { } number when Math.Abs(number) >= 100 => number.ToString("F0", CultureInfo.InvariantCulture),
        { } number when Math.Abs(number) >= 10 => number.ToString("F1", CultureInfo.InvariantCulture),
        { } number when Math.Abs(number) >= 0.1 || number == 0 => number.ToString("F2", CultureInfo.InvariantCulture),
        { } number => number.ToString("G2", CultureInfo.InvariantCulture),
    };

    /// <summary>A share, in percent.</summary>
    public static string Percent(double? value) =>
        value is { } share ? (100 * share).ToString("F1", CultureInfo.InvariantCulture) + " %" : "–";

    /// <summary>A number with that of the paper in brackets, if it has one.</summary>
    public static string Beside(double? ours, double? paper) => paper is null ? Number(ours) : $"{Number(ours)} ({Number(paper)})";
}
