namespace SLoRA;

/// <summary>What became of the image of packed weights (<see cref="CpuOptions.PackedImage"/>) when the engine was built.</summary>
public sealed record PackedImageStatus
{
    /// <summary>The name of its file.</summary>
    public required string File { get; init; }

    /// <summary>Whether matrices and embedding tables come out of it; otherwise they were packed.</summary>
    public bool IsUsed { get; init; }

    /// <summary>Why it is not used; <see cref="PackedImageProblem.None"/> where it is.</summary>
    public PackedImageProblem Problem { get; init; }

    /// <summary>The same in words; null where it is used.</summary>
    public string? Details { get; init; }

    /// <summary>Whether it was written, or written anew, for the next start.</summary>
    public bool IsWritten { get; init; }

    /// <summary>Why it could not be written; null where it was, or did not have to be.</summary>
    public string? WriteProblem { get; init; }

    /// <summary>Bytes of its file; 0 where there is none that is of use.</summary>
    public long Bytes { get; init; }
}
