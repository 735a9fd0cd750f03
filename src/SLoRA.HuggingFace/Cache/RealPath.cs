namespace SLoRA.HuggingFace.Cache;

/// <summary>Paths without symbolic links.</summary>
internal static class RealPath
{
    private const int MostLinks = 40;

    /// <summary>
    /// The path that a path leads to when every link in it has been followed, as far as it exists; null when links go in circles or cannot
    /// be read.
    /// </summary>
    /// <param name="path">An absolute path.</param>
    public static string? Of(string path)
    {
        var rest = new Stack<string>();
        string at = Push(path, rest);
        int links = 0;
        while (rest.TryPop(out string? part))
        {
            if (part is "." or "..")
            {
                // Up from where links have led, as the system does, not from how the path is written.
                at = part == "." ? at : Path.GetDirectoryName(at) ?? at;
                continue;
            }

            string next = Path.Combine(at, part);
            if (!TryReadLink(next, out string? target) || (target is not null && ++links > MostLinks))
            {
                return null;
            }

            if (target is null)
            {
                at = next;
            }
            else if (Push(target, rest) is { Length: > 0 } root)
            {
                at = root;
            }
        }

        return at;
    }

    /// <summary>The size of the regular file that a path leads to; null when it leads to none.</summary>
    public static long? FileSize(string path)
    {
        try
        {
            return Of(path) is { } real && new FileInfo(real) is { Exists: true } file ? file.Length : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Whether a real path is another one or lies below it.</summary>
    public static bool IsWithin(string folder, string path)
    {
        string start = Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar;
        return path == folder
            || path.StartsWith(start, OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);
    }

    private static bool TryReadLink(string path, out string? target)
    {
        try
        {
            target = new FileInfo(path).LinkTarget;
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            target = null;
            return false;
        }
    }

    private static string Push(string path, Stack<string> rest)
    {
        string root = Path.GetPathRoot(path)!;
        string[] parts =
            path[root.Length..].Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);
        foreach (string part in parts.Reverse())
        {
            rest.Push(part);
        }

        return root;
    }
}
