namespace SLoRA.HuggingFace.Names;

/// <summary>A file of a commit, as the Hub lists it.</summary>
/// <param name="Path">Its path in the repository.</param>
/// <param name="Blob">What its bytes are called.</param>
/// <param name="Size">Its bytes.</param>
internal sealed record RepositoryFile(string Path, BlobId Blob, long Size)
{
    /// <summary>What git keeps of the file: the same as <see cref="Blob"/>, or a pointer to it.</summary>
    public required string GitId { get; init; }

    /// <summary>The bytes that the listing gives beside <see cref="GitId"/>.</summary>
    public required long ListedSize { get; init; }

    /// <summary>The file's name in the store of chunks, where it is there too.</summary>
    public string? XetHash { get; init; }
}
