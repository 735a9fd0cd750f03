namespace SLoRA.HuggingFace.Names;

/// <summary>A file of a commit, as the Hub lists it.</summary>
/// <param name="Path">Its path in the repository.</param>
/// <param name="Blob">What its bytes are called.</param>
/// <param name="Size">Its bytes.</param>
internal sealed record RepositoryFile(string Path, BlobId Blob, long Size)
{
    // 4 TiB, several times what the Hub takes. Sizes come from strangers: those of all files of a revision can be added up, and the parts
    // of one counted.
    private const long LargestSize = 1L << 42;

    /// <summary>What git keeps of the file: the same as <see cref="Blob"/>, or a pointer to it.</summary>
    public required string GitId { get; init; }

    /// <summary>The bytes that the listing gives beside <see cref="GitId"/>.</summary>
    public required long ListedSize { get; init; }

    /// <summary>The file's name in the store of chunks, where it is there too.</summary>
    public string? XetHash { get; init; }

    /// <summary>Whether a file can have so many bytes.</summary>
    public static bool IsSize(long bytes) => bytes is >= 0 and <= LargestSize;
}
