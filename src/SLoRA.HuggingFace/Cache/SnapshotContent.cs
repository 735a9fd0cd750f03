namespace SLoRA.HuggingFace.Cache;

/// <summary>What lies in the folder of a commit, by paths from there, with '/' between folders, in ordinal order.</summary>
internal sealed class SnapshotContent
{
    private readonly CacheBounds _bounds;
    private readonly string _root;

    private SnapshotContent(CacheLayout layout, string root)
    {
        _root = root;
        _bounds = new CacheBounds(layout);
    }

    /// <summary>Files that can be opened.</summary>
    public SortedSet<string> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>Links to files of the cache that are not there.</summary>
    public SortedSet<string> BrokenLinks { get; } = new(StringComparer.Ordinal);

    /// <summary>Links to somewhere else.</summary>
    public SortedSet<string> LinksOut { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads the folder of a commit.</summary>
    public static SnapshotContent Read(CacheLayout layout, string commit)
    {
        var content = new SnapshotContent(layout, layout.Snapshot(commit));
        content.Read(new DirectoryInfo(content._root));
        return content;
    }

    private void Read(DirectoryInfo folder)
    {
        var all = new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = true };
        foreach (FileSystemInfo entry in folder.EnumerateFileSystemInfos("*", all))
        {
            if (entry is DirectoryInfo { LinkTarget: null } below)
            {
                Read(below);
                continue;
            }

            string name = Path.GetRelativePath(_root, entry.FullName).Replace(Path.DirectorySeparatorChar, '/');
            string? real = RealPath.Of(entry.FullName);
            if (real is not null && !_bounds.Hold(real))
            {
                LinksOut.Add(name);
            }
            else if (real is not null && Opens(real))
            {
                Files.Add(name);
            }
            else if (entry.LinkTarget is not null && !Directory.Exists(real))
            {
                BrokenLinks.Add(name);
            }
        }
    }

    private static bool Opens(string real)
    {
        try
        {
            // What has no length is not opened: a pipe would wait for its other end.
            var file = new FileInfo(real);
            if (file is { Exists: true, Length: > 0 })
            {
                File.OpenHandle(real, share: FileShare.ReadWrite | FileShare.Delete).Dispose();
            }

            return file.Exists;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
