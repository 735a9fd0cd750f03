namespace Samples;

/// <summary>The demo model that comes with the repository: <c>model</c> and <c>adapters</c> with a folder per tenant.</summary>
internal static class DemoFolder
{
    private static readonly string Place = Path.Combine("samples", "models", "frontdesk");

    /// <summary>Its folder, in the repository around the program or around the current folder.</summary>
    /// <param name="otherwise">What else the user could do; empty for nothing.</param>
    /// <exception cref="UsageException">There is no such repository.</exception>
    public static string Find(string otherwise = "") =>
        FindUpwards(AppContext.BaseDirectory) ?? FindUpwards(Environment.CurrentDirectory)
        ?? throw new UsageException(
            $"The demo model was not found: no folder {Place} above {Environment.CurrentDirectory}. Run inside the repository{otherwise}.");

    private static string? FindUpwards(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, Place);
            if (Directory.Exists(Path.Combine(candidate, "model")))
            {
                return candidate;
            }
        }

        return null;
    }
}
