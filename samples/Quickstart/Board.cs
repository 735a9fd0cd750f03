using System.Diagnostics;
using SLoRA;

namespace Quickstart;

/// <summary>One question to many tenants: everything that a display shows of it.</summary>
internal sealed class Board(string question, LoraServingEngine engine, IReadOnlyList<Answer> answers)
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private TimeSpan? _duration;

    public string Question { get; } = question;

    public LoraServingEngine Engine { get; } = engine;

    public IReadOnlyList<Answer> Answers { get; } = answers;

    public StepLog Steps { get; } = new();

    public int Tokens => Answers.Sum(answer => answer.Tokens);

    public TimeSpan Duration => _duration ?? Stopwatch.GetElapsedTime(_started);

    public double TokensPerSecond => Tokens / Math.Max(Duration.TotalSeconds, 1e-6);

    /// <summary>Stops the clock.</summary>
    public void Finish() => _duration = Stopwatch.GetElapsedTime(_started);

    /// <summary>The closing lines.</summary>
    public IEnumerable<string> Summary()
    {
        EngineStatus status = Engine.Status;
        IReadOnlyList<StepStatus> steps = Steps.Seen();
        yield return $"{Answers.Count} answers, {Tokens} tokens in {Duration.TotalSeconds:F2} s: {TokensPerSecond:F0} tokens/s";
        if (steps.Count > 0)
        {
            yield return $"{status.Steps} steps; on average {steps.Average(step => step.Adapters):F1} adapters and "
                + $"{steps.Average(step => step.Rows):F1} rows per step ({steps.Count} steps seen)";
        }

        yield return $"pool: {status.Pool.Total} pages of {status.Pool.PageBytes / 1024} KiB: {PoolUse(status.Pool)}";
    }

    public static string PoolUse(PoolStatus pool) =>
        $"{pool.CacheInUse} cache, {pool.IdlePrefixes} kept prefixes, {pool.Adapters} adapters, {pool.Reserved} reserved, "
        + $"{pool.Free - pool.Reserved} free";
}
