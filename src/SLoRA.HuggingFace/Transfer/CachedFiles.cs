using SLoRA.HuggingFace.Cache;
using SLoRA.HuggingFace.Names;

namespace SLoRA.HuggingFace.Transfer;

/// <summary>Says which files need not be fetched: by their names and sizes, and, where that is asked for, by their hashes.</summary>
internal sealed class CachedFiles(HubOptions options, CacheLayout layout, CacheWriter writer, ProgressSum progress)
{
    /// <summary>Whether a commit has a file.</summary>
    public ValueTask<bool> HaveAsync(string commit, RepositoryFile file, CancellationToken cancellation) =>
        IsAsync(DiskFailure.Guard(() => writer.Has(commit, file)), layout.Entry(commit, file.Path), file, cancellation);

    /// <summary>Whether the bytes of a file are there, so that only its name is missing.</summary>
    public ValueTask<bool> HaveBytesAsync(RepositoryFile file, CancellationToken cancellation) =>
        IsAsync(DiskFailure.Guard(() => writer.HasBlob(file)), layout.Blob(file.Blob), file, cancellation);

    private async ValueTask<bool> IsAsync(bool isThere, string path, RepositoryFile file, CancellationToken cancellation)
    {
        if (!isThere || !options.ChecksCache)
        {
            return isThere;
        }

        progress.Report(HubStage.Verifying, file.Path);
        try
        {
            using var handle = File.OpenHandle(path, options: FileOptions.Asynchronous | FileOptions.SequentialScan);
            return await BlobHash.IsAsync(handle, file.Blob, file.Size, cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (DiskFailure.IsOne(error))
        {
            throw DiskFailure.Of(error);
        }
    }
}
