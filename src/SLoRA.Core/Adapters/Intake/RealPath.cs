namespace SLoRA.Adapters.Intake;

/// <summary>Paths without symbolic links.</summary>
internal static class RealPath
{
    private const int MostLinks = 40;

    /// <summary>
    /// The path that a path leads to when every link in it has been followed; null when they go in circles or cannot be read.
    /// </summary>
    /// <param name="path">An absolute path. Parts that do not exist are taken as they are.</param>
    public static string? Of(string path)
    {
        var rest = new Stack<string>();
        string done = Push(path, rest);
        for (int links = 0; rest.TryPop(out string? part);)
        {
            if (part is "." or "..")
            {
                // Up from where the links have led to, as the operating system does, not from how the path is written.
                done = part == "." ? done : Path.GetDirectoryName(done) ?? done;
                continue;
            }

            string next = Path.Combine(done, part);
            string? target;
            try
            {
                target = new FileInfo(next).LinkTarget;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return null;
            }

            if (target is null)
            {
                done = next;
                continue;
            }

            if (++links > MostLinks)
            {
                return null;
            }

            string root = Push(target, rest);
            done = root.Length > 0 ? root : done;
        }

        return done;
    }

    /// <summary>Puts the parts of a path onto what is still to be followed.</summary>
    /// <returns>Its root; empty when it has none.</returns>
    private static string Push(string path, Stack<string> rest)
    {
        string root = Path.GetPathRoot(path)!;
        string[] parts =
            path[root.Length..].Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);
        for (int i = parts.Length - 1; i >= 0; i--)
        {
            rest.Push(parts[i]);
        }

        return root;
    }
}
