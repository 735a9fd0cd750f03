using SLoRA.HuggingFace.Names;

namespace SLoRA.HuggingFace.Cache;

/// <summary>
/// Where the files of one repository lie in the cache: the layout that the Hub's Python client and the tools that follow it share.
/// </summary>
/// <param name="cache">The cache's folder, an absolute path.</param>
/// <param name="repository">The repository, by the name that was asked for, whatever it is called today.</param>
internal sealed class CacheLayout(string cache, RepositoryId repository)
{
    /// <summary>The cache's folder.</summary>
    public string Cache => cache;

    /// <summary>The repository.</summary>
    public RepositoryId Repository => repository;

    /// <summary>The repository's folder.</summary>
    public string Root { get; } = Path.Combine(cache, repository.Folder);

    /// <summary>The bytes of files, under their hashes.</summary>
    public string Blobs => Path.Combine(Root, "blobs");

    /// <summary>Bytes that several repositories share, by the names of another store. Only others put files there.</summary>
    public string SharedBlobs => Path.Combine(cache, "blobs");

    /// <summary>The bytes of a file.</summary>
    public string Blob(BlobId id) => Path.Combine(Blobs, id.Value);

    /// <summary>The file whose lock says that a blob is being fetched.</summary>
    public string Lock(BlobId id) => Path.Combine(cache, ".locks", repository.Folder, id.Value + ".lock");

    /// <summary>The file that says which commit a name means.</summary>
    public string Reference(Revision revision) => Path.Combine(Root, "refs", Native(revision.Value));

    /// <summary>The folder of a commit, in which its files lie under their own names.</summary>
    public string Snapshot(string commit) => Path.Combine(Root, "snapshots", commit);

    /// <summary>A file of a commit.</summary>
    public string Entry(string commit, string path) => Path.Combine(Snapshot(commit), Native(path));

    /// <summary>The listing of a commit.</summary>
    public string Tree(string commit) => Path.Combine(Root, "trees", commit + ".json");

    /// <summary>The file that says that a commit has no file of this path.</summary>
    public string NoSuchFile(string commit, string path) => Path.Combine(Root, ".no_exist", commit, Native(path));

    private static string Native(string path) => path.Replace('/', Path.DirectorySeparatorChar);
}
