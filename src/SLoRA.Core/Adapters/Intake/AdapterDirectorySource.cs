using SLoRA.Adapters.Intake;
using SLoRA.Formats;
using SLoRA.Formats.Mlx;

namespace SLoRA;

/// <summary>
/// Adapters in the folders of one directory: the name is the folder's, in exactly the letters in which it is stored. Names and folders come
/// from strangers: a name that is not the plain name of a folder is refused, and so are symbolic links, which could lead to the files of
/// somebody else (<see cref="FollowsLinks"/>). Errors name files from the adapter's folder on; where the directory lies is told to the log
/// alone.
/// </summary>
/// <remarks>
/// Hard links cannot be told from files: where tenants may make links themselves, their folders belong on a file system of their own. A
/// file that is exchanged for a link after it was found is not read through it either; whoever may write into the directory itself is
/// trusted not to exchange a whole folder for a link at the moment of reading.
/// </remarks>
public sealed class AdapterDirectorySource : IAdapterSource
{
    private const int LongestName = 255;
    private static readonly string[] Files =
        [AdapterFolder.ConfigFile, AdapterFolder.TensorFile, MlxAdapterConfig.TensorFile];
    private readonly string _root;

    /// <summary>Serves the folders of a directory. It need not exist yet.</summary>
    /// <param name="path">The directory; the root of a drive or of the whole file system too. It may itself be reached by links.</param>
    public AdapterDirectorySource(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _root = Path.GetFullPath(path);
    }

    /// <summary>
    /// Whether an adapter's folder, and the files in it, may be symbolic links, as long as they lead to somewhere else in the directory.
    /// False by default: with links, whoever may write into one folder can have the adapter of any other served under its name. For
    /// directories whose folders the program itself makes.
    /// </summary>
    public bool FollowsLinks { get; init; }

    /// <summary>Finds the folder of a name.</summary>
    /// <exception cref="AdapterLoadException">The name leads elsewhere, or a symbolic link does.</exception>
    /// <inheritdoc/>
    public ValueTask<AdapterOrigin?> FindAsync(string name, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        cancellationToken.ThrowIfCancellationRequested();
        if (Problem(name) is { } problem)
        {
            return ValueTask.FromException<AdapterOrigin?>(Refusal(name, problem));
        }

        try
        {
            string folder = Path.Combine(_root, name);
            if (!Directory.Exists(folder) || !IsStored(name))
            {
                return ValueTask.FromResult<AdapterOrigin?>(null);
            }

            return LinkProblem(folder) is { } link
                ? ValueTask.FromException<AdapterOrigin?>(Refusal(name, link))
                : ValueTask.FromResult<AdapterOrigin?>(AdapterOrigin.FromFolder(folder, FollowsLinks));
        }
        catch (Exception error) when (FileProblem.IsOne(error))
        {
            return ValueTask.FromException<AdapterOrigin?>(
                new AdapterLoadException(name, LoadErrorKind.File, "its folder " + FileProblem.Of(error), error));
        }
    }

    /// <summary>Whether a path is below a directory. Both are absolute; the directory may be the root of a file system.</summary>
    internal static bool IsInside(string directory, string path)
    {
        string start = Path.EndsInDirectorySeparator(directory) ? directory : directory + Path.DirectorySeparatorChar;
        return path.StartsWith(start, StringComparison.Ordinal);
    }

    /// <summary>Whether a directory has a folder under exactly this name.</summary>
    internal static bool Lists(string directory, string name) =>
        Directory.EnumerateDirectories(directory).Any(folder => Path.GetFileName(folder.AsSpan()).SequenceEqual(name));

    /// <summary>
    /// Whether the name is the one that is stored. File systems that do not tell cases apart find a folder under many names, each of which
    /// would be an adapter of its own here. The directory is read through only where they do: where the name in other letters is found too.
    /// </summary>
    private bool IsStored(string name)
    {
        string other = string.Concat(name.Select(c => char.IsUpper(c) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c)));
        bool mayBeAnother = other == name ? !OperatingSystem.IsLinux() : Directory.Exists(Path.Combine(_root, other));
        return !mayBeAnother || Lists(_root, name);
    }

    private string? LinkProblem(string folder)
    {
        if (!FollowsLinks)
        {
            return Files.Select(file => Path.Combine(folder, file)).Prepend(folder).Any(path => new FileInfo(path).LinkTarget is not null)
                ? "its folder, or a file in it, is a symbolic link, which is not followed here"
                : null;
        }

        string root = RealPath.Of(_root) ?? _root;
        return Directory.EnumerateFileSystemEntries(folder).Prepend(folder)
            .All(path => RealPath.Of(path) is { } real && IsInside(root, real))
            ? null
            : "a symbolic link leads out of the directory of adapters";
    }

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
