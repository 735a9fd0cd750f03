using SLoRA.Adapters.Intake;

namespace SLoRA.AspNetCore.Administration;

/// <summary>The folders below which adapters may lie.</summary>
internal sealed class AdapterRoots
{
    private readonly string[] _roots;

    /// <param name="roots">Existing folders. Links in their own paths are followed.</param>
    /// <exception cref="InvalidOptionException">There is none, or one of them does not exist.</exception>
    public AdapterRoots(IReadOnlyList<string> roots)
    {
        if (roots.Count == 0)
        {
            throw new InvalidOptionException("Roots", "Roots is empty; name at least one folder of adapters.");
        }

        _roots = [.. roots.Select(root => Directory.Exists(root) && RealPath.Of(Path.GetFullPath(root)) is { } real
            ? Path.TrimEndingDirectorySeparator(real)
            : throw new InvalidOptionException("Roots", $"Roots names '{root}', which is no folder that can be read."))];
    }

    /// <summary>
    /// The folder that a path leads to when every link has been followed; null unless it, and everything in it, lies below a root.
    /// </summary>
    /// <param name="path">An absolute path, or one from a root.</param>
    public string? Find(string path)
    {
        if (path.Length == 0 || path.Contains('\0'))
        {
            return null;
        }

        foreach (string root in _roots)
        {
            if (RealPath.Of(Path.Combine(root, path)) is { } folder && IsInside(root, folder) && HoldsOnlyItsOwn(root, folder))
            {
                return folder;
            }
        }

        return null;
    }

    private static bool HoldsOnlyItsOwn(string root, string folder)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(folder).All(entry => RealPath.Of(entry) is { } real && IsInside(root, real));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool IsInside(string root, string path) => path.StartsWith(
        Path.EndsInDirectorySeparator(root) ? root : root + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
