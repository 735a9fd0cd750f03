using SLoRA.Adapters;

namespace SLoRA;

/// <summary>
/// Adapters in the folders of one directory: the name is the folder's. Names come from strangers: one that is not the plain name of a folder is refused, and so is
/// a folder or a file in it that leads out of the directory by symbolic links. Whoever may write into the directory is trusted not to exchange a folder for a link while
/// it is read; a file that is exchanged for a link is not read.
/// </summary>
public sealed class AdapterDirectorySource : IAdapterSource
{
    private const int LongestName = 255;
    private static readonly string[] Files = [AdapterFolder.ConfigFile, AdapterFolder.TensorFile];
    private readonly string _root;

    /// <summary>Serves the folders of a directory. It need not exist yet.</summary>
    /// <param name="path">The directory.</param>
    public AdapterDirectorySource(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _root = Path.GetFullPath(path);
    }

    /// <summary>Finds the folder of a name.</summary>
    /// <exception cref="AdapterLoadException">The name, or a link, leads out of the directory.</exception>
    /// <inheritdoc/>
    public ValueTask<AdapterOrigin?> FindAsync(string name, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        cancellationToken.ThrowIfCancellationRequested();
        if (Problem(name) is { } problem)
        {
            return ValueTask.FromException<AdapterOrigin?>(Refusal(name, problem));
        }

        string folder = Path.Combine(_root, name);
        if (!Directory.Exists(folder))
        {
            return ValueTask.FromResult<AdapterOrigin?>(null);
        }

        string root = RealPath.Of(_root) ?? _root;
        bool stays = IsInside(root, folder) && Files.All(file => IsInside(root, Path.Combine(folder, file)));

        // What is no link now is not opened through one later either.
        bool hasLinks = Files.Any(file => new FileInfo(Path.Combine(folder, file)).LinkTarget is not null);
        return stays
            ? ValueTask.FromResult<AdapterOrigin?>(AdapterOrigin.FromFolder(folder, followsLinks: hasLinks))
            : ValueTask.FromException<AdapterOrigin?>(Refusal(name, "a symbolic link leads out of the directory of adapters"));
    }

    private static bool IsInside(string root, string path) =>
        RealPath.Of(path) is { } real && real.StartsWith(Path.TrimEndingDirectorySeparator(root) + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    /// <summary>Why a name is not the plain name of a folder, on any operating system; null when it is.</summary>
    private static string? Problem(string name)
    {
        if (name.Length is 0 or > LongestName)
        {
            return $"the name of a folder has 1 to {LongestName} characters";
        }

        if (name is "." or ".." || name.AsSpan().ContainsAny('/', '\\', ':'))
        {
            return "the name leads to another folder";
        }

        // Windows drops dots and blanks at the end: two names would mean one folder.
        return name.Any(char.IsControl) || name[^1] is '.' or ' ' || name.AsSpan().ContainsAny("<>\"|?*")
            ? "the name has characters that names of folders cannot have"
            : null;
    }

    private static AdapterLoadException Refusal(string name, string problem) => new(name, LoadErrorKind.File, problem);
}
