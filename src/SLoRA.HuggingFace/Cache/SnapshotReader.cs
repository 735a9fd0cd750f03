using SLoRA.HuggingFace.Names;
using SLoRA.HuggingFace.Selection;

namespace SLoRA.HuggingFace.Cache;

/// <summary>
/// Answers which snapshot is in the cache, and whether it is whole. Reads only; never takes another commit for the one that was asked for.
/// </summary>
internal static class SnapshotReader
{
    private const long LongestReference = 4096;

    /// <summary>Looks a revision up.</summary>
    /// <param name="layout">Where the repository lies.</param>
    /// <param name="revision">The revision.</param>
    /// <param name="files">What has to be there.</param>
    public static HubSnapshot Look(CacheLayout layout, Revision revision, HubFiles files)
    {
        if (!Directory.Exists(layout.Root))
        {
            return Failed(HubErrorKind.RepositoryNotCached, null);
        }

        string? commit = CommitOf(layout, revision);
        if (commit is null || !Directory.Exists(layout.Snapshot(commit)))
        {
            return Failed(HubErrorKind.RevisionNotCached, commit);
        }

        var content = SnapshotContent.Read(layout, commit);
        IReadOnlyDictionary<string, RepositoryFile>? tree = TreeFile.Read(layout.Tree(commit));
        var known = new HashSet<string>(content.Files, StringComparer.Ordinal);
        known.UnionWith(tree?.Keys ?? []);

        var usable = new HashSet<string>(content.Files, StringComparer.Ordinal);
        Needs needs = Needs.Of(files, known, index =>
        {
            IReadOnlyList<string>? shards = ShardIndex.Read(layout.Entry(commit, index));
            if (shards is null)
            {
                usable.Remove(index);
            }

            return shards;
        });

        var missing = new SortedSet<string>(needs.Required.Where(path => !usable.Contains(path)), StringComparer.Ordinal);
        if (files.Kind != SelectionKind.Patterns)
        {
            // A chat template that has vanished is not a model without one.
            IEnumerable<string> lost = content.BrokenLinks.Concat(content.LinksOut)
                .Where(path => Needs.IsBeside(files, path) && tree?.ContainsKey(path) != false && !files.LeavesOut(path));
            missing.UnionWith(lost);
        }

        return new HubSnapshot
        {
            Repository = layout.Repository.Value,
            Revision = revision.Value,
            Failure = missing.Count > 0 ? HubErrorKind.Incomplete : null,
            Commit = commit,
            Root = layout.Snapshot(commit),
            Folder = files.Subfolder.Length == 0 ? layout.Snapshot(commit) : layout.Entry(commit, files.Subfolder),
            Files = [.. content.Files],
            Missing = [.. missing],
            NotCached = [.. needs.Beside.Where(path => !content.Files.Contains(path) && !missing.Contains(path))],
            BrokenLinks = [.. content.BrokenLinks],
            LinksOutOfTheCache = [.. content.LinksOut],
        };

        HubSnapshot Failed(HubErrorKind failure, string? known) =>
            new() { Repository = layout.Repository.Value, Revision = revision.Value, Failure = failure, Commit = known };
    }

    /// <summary>The commit that a revision means by the cache's own notes; null when they do not say.</summary>
    public static string? CommitOf(CacheLayout layout, Revision revision)
    {
        if (revision.IsCommit)
        {
            return revision.Value;
        }

        string reference = layout.Reference(revision);
        try
        {
            if (RealPath.FileSize(reference) is not (> 0 and <= LongestReference))
            {
                return null;
            }

            // Notes that were made by hand end in a line break.
            string commit = File.ReadAllText(reference).Trim();
            return Hex.IsCommit(commit) ? commit : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A file of a revision; null when it is not in the cache.</summary>
    public static string? FileOf(CacheLayout layout, Revision revision, string path)
    {
        string? entry = CommitOf(layout, revision) is { } commit ? layout.Entry(commit, path) : null;
        bool isThere = entry is not null && RealPath.Of(entry) is { } real && new CacheBounds(layout).Hold(real);
        return isThere && RealPath.FileSize(entry!) is not null ? entry : null;
    }

    /// <summary>The error that a lookup ends in where the files are needed.</summary>
    public static HubException Error(HubSnapshot snapshot, string? why = null, Exception? cause = null)
    {
        string what = snapshot.Failure switch
        {
            HubErrorKind.RepositoryNotCached => $"Nothing of {snapshot.Repository} is in the cache",
            HubErrorKind.RevisionNotCached => $"The cache has no files of {snapshot.Repository} at {Shown.Name(snapshot.Revision)}",
            _ => $"The cache has {snapshot.Repository} at {Shown.Name(snapshot.Revision)} without {Shown.Names([.. snapshot.Missing])}",
        };
        string advice = why ?? "; download it with HubClient or another tool.";
        return new HubException(snapshot.Failure!.Value, what + advice, cause) { Files = snapshot.Missing };
    }
}
