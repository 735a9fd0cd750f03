namespace SLoRA.Adapters.Intake;

/// <summary>How far a reading is.</summary>
internal enum ReadingPhase
{
    /// <summary>No thread has taken it.</summary>
    Waits,

    /// <summary>A thread is at it and holds a place.</summary>
    Reads,

    /// <summary>A thread is at it and gets nothing; it holds no place.</summary>
    Hangs,

    /// <summary>It was given up, and the thread is still at it.</summary>
    Lost,

    /// <summary>It has returned, or does not count any more.</summary>
    Ended,
}
