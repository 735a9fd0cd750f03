namespace SLoRA.HuggingFace;

/// <summary>What went wrong between a program, the cache and the Hub.</summary>
public enum HubErrorKind
{
    /// <summary>The name of a repository, revision, folder or file is none: <c>hub.invalid-name</c>. Nothing was looked up.</summary>
    InvalidName,

    /// <summary>Nothing of this repository is in the cache: <c>hub.repository-not-cached</c>.</summary>
    RepositoryNotCached,

    /// <summary>The cache has the repository, but not this revision of it: <c>hub.revision-not-cached</c>.</summary>
    RevisionNotCached,

    /// <summary>The cache has this revision, but not all the files that are needed of it: <c>hub.incomplete</c>.</summary>
    Incomplete,

    /// <summary>The Hub has no such repository, or does not show it to this token: <c>hub.repository-not-found</c>.</summary>
    RepositoryNotFound,

    /// <summary>The repository has no such branch, tag or commit: <c>hub.revision-not-found</c>.</summary>
    RevisionNotFound,

    /// <summary>The revision has no such file, or none of those that are needed: <c>hub.file-not-found</c>.</summary>
    FileNotFound,

    /// <summary>The repository is open only to those whom its owner has let in: <c>hub.gated</c>.</summary>
    Gated,

    /// <summary>The token is not valid, is missing, or does not allow this: <c>hub.unauthorized</c>.</summary>
    Unauthorized,

    /// <summary>
    /// The Hub does not answer, or not in time, or says that it is out of order: <c>hub.unreachable</c>. Later it may work.
    /// </summary>
    Unreachable,

    /// <summary>The Hub wants fewer requests, and a longer wait than is allowed: <c>hub.busy</c>. Later it may work.</summary>
    Busy,

    /// <summary>The Hub's answer is not what its protocol says: <c>hub.protocol</c>. Nothing of it was used.</summary>
    Protocol,

    /// <summary>
    /// The file is not fetched, whoever asks: its name leads elsewhere, or it is a pickle, which runs code when it is read:
    /// <c>hub.unsafe-file</c>.
    /// </summary>
    UnsafeFile,

    /// <summary>
    /// Bytes arrived that are not those of the file, by size or by hash: <c>hub.wrong-content</c>. They have been deleted.
    /// </summary>
    WrongContent,

    /// <summary>The cache cannot be written: no space, no permission, a fault of the disk: <c>hub.disk</c>.</summary>
    Disk,
}
