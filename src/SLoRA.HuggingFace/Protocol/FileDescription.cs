using SLoRA.HuggingFace.Names;

namespace SLoRA.HuggingFace.Protocol;

/// <summary>What the Hub says of one file.</summary>
/// <param name="Commit">The commit that the revision was.</param>
/// <param name="Blob">What the file's bytes are called.</param>
/// <param name="Size">Its bytes.</param>
internal sealed record FileDescription(string Commit, BlobId Blob, long Size);
