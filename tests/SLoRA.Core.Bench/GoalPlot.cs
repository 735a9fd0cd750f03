using ScottPlot;

namespace SLoRA.Core.Bench;

/// <summary>The goals as a picture: a bar for each row, its length the share of the goal that was reached.</summary>
internal static class GoalPlot
{
    private const int Width = 1100;
    private const int RowHeight = 56;

    // Longer bars are cut, and say how long they would be.
    private const double Longest = 200;

    /// <summary>Saves the picture; its folder is made if need be.</summary>
    public static void Save(IReadOnlyList<GoalRow> rows, string file)
    {
        using var plot = new Plot();
        Bar[] bars = [.. rows.Select((row, i) => new Bar
        {
            Position = rows.Count - i,
            Value = Math.Min(100 * row.Share, Longest),
            FillColor = row.IsReached ? Colors.SeaGreen : Colors.IndianRed,
            Orientation = Orientation.Horizontal,
            Label = $"{100 * row.Share:F0} %",
        })];
        plot.Add.Bars(bars).Horizontal = true;
        plot.Add.VerticalLine(100, color: Colors.Black);
        plot.Axes.Left.SetTicks([.. bars.Select(bar => bar.Position)], [.. rows.Select(row => Wrap(row.Name))]);
        plot.Axes.SetLimitsX(0, Longest + 20);
        plot.XLabel("share of the goal, % (more is better)");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        plot.SavePng(file, Width, (RowHeight * rows.Count) + 90);
    }

    private static string Wrap(string text)
    {
        int middle = text.IndexOf(' ', text.Length / 2);
        return middle < 0 || text.Length < 45 ? text : text[..middle] + "\n" + text[(middle + 1)..];
    }
}
