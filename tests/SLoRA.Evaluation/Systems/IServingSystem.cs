using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Systems;

/// <summary>Something that serves requests, a step at a time, on the caller's thread.</summary>
internal interface IServingSystem : IDisposable
{
    /// <summary>Whether something may still come of what has been submitted, though the last step did nothing.</summary>
    bool MayWork { get; }

    /// <summary>Seconds after which a step is worth trying that had nothing to do before.</summary>
    double Patience { get; }

    /// <summary>Takes a request.</summary>
    /// <param name="number">Its place in the trace.</param>
    /// <param name="request">The request.</param>
    void Submit(int number, TraceRequest request);

    /// <summary>Makes a step.</summary>
    /// <returns>False when there was nothing to do.</returns>
    bool Step();

    /// <summary>What has happened to requests since the last call: each that has had its first token, or has ended.</summary>
    IEnumerable<Progress> TakeProgress();

    /// <summary>The tokens of a request that has ended; fewer than asked for if it was given up.</summary>
    IReadOnlyList<int> AnswerOf(int number);
}

/// <summary>News of one request.</summary>
/// <param name="Request">Its place in the trace.</param>
/// <param name="HasTokens">Whether its first token is there.</param>
/// <param name="Ending">Whether it has ended.</param>
internal readonly record struct Progress(int Request, bool HasTokens, Ending Ending);

/// <summary>How a request ended.</summary>
internal enum Ending
{
    /// <summary>It has not.</summary>
    None,

    /// <summary>With all its tokens.</summary>
    Completed,

    /// <summary>The engine gave it up.</summary>
    Aborted,
}
