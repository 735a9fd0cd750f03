namespace SLoRA.HuggingFace;

/// <summary>What the cache has of one revision of a repository. Immutable; what it says was true when it was looked up.</summary>
public sealed class HubSnapshot
{
    internal HubSnapshot()
    {
    }

    /// <summary>The repository that was asked for.</summary>
    public required string Repository { get; init; }

    /// <summary>The revision that was asked for.</summary>
    public required string Revision { get; init; }

    /// <summary>Whether all files are there that were asked for.</summary>
    public bool IsComplete => Failure is null;

    /// <summary>
    /// Why it cannot be used: <see cref="HubErrorKind.RepositoryNotCached"/>, <see cref="HubErrorKind.RevisionNotCached"/> or <see
    /// cref="HubErrorKind.Incomplete"/>; null when it can.
    /// </summary>
    public HubErrorKind? Failure { get; init; }

    /// <summary>The commit, as far as the cache knows it: 40 hexadecimal digits.</summary>
    public string? Commit { get; init; }

    /// <summary>
    /// The folder with the files that were asked for, which is below <see cref="Root"/> where a subfolder was; null when there is no
    /// snapshot.
    /// </summary>
    public string? Folder { get; init; }

    /// <summary>The folder of the commit; null when there is no snapshot.</summary>
    public string? Root { get; init; }

    /// <summary>Every file of the commit that is there and can be opened, by its path below <see cref="Root"/>, in ordinal order.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>What was asked for and is not there; empty unless the failure is <see cref="HubErrorKind.Incomplete"/>.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>
    /// Small files beside the model that the commit is known to have and that nobody has downloaded. They are no failure: what needs one
    /// says so itself.
    /// </summary>
    public IReadOnlyList<string> NotCached { get; init; } = [];

    /// <summary>Links whose file is gone.</summary>
    public IReadOnlyList<string> BrokenLinks { get; init; } = [];

    /// <summary>Links that lead out of the cache. They are not followed.</summary>
    public IReadOnlyList<string> LinksOutOfTheCache { get; init; } = [];
}
