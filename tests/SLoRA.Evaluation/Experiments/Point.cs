using SLoRA.Evaluation.Runs;

namespace SLoRA.Evaluation.Experiments;

/// <summary>One run of an experiment.</summary>
internal sealed record Point
{
    /// <summary>What served, or what was predicted: the line that it belongs to.</summary>
    public required string Series { get; init; }

    /// <summary>The value that the experiment varies.</summary>
    public required double X { get; init; }

    /// <summary>The metrics; null where there was no such run, because the memory did not suffice.</summary>
    public RunMetrics? Metrics { get; init; }

    /// <summary>What else was found.</summary>
    public Dictionary<string, double> Extra { get; init; } = [];
}

/// <summary>What an experiment has given, as it is kept on disk.</summary>
internal sealed record ExperimentResult
{
    /// <summary>The name of its file.</summary>
    public required string Name { get; init; }

    /// <summary>What varies.</summary>
    public required string Varies { get; init; }

    /// <summary>Under what conditions, in words.</summary>
    public required string Conditions { get; init; }

    /// <summary>The runs.</summary>
    public required IReadOnlyList<Point> Points { get; init; }

    /// <summary>The run of a series at a value; null when there is none.</summary>
    public Point? Find(string series, double x) => Points.FirstOrDefault(point => point.Series == series && point.X == x);

    /// <summary>The throughput of a series at a value; null when there is none.</summary>
    public double? Throughput(string series, double x) => Find(series, x)?.Metrics?.Throughput;
}
