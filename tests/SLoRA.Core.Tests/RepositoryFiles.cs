namespace SLoRA.Core.Tests;

/// <summary>Files of the repository that the tests run in.</summary>
internal static class RepositoryFiles
{
    private static readonly string Root = Find();

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>A folder of tests/fixtures.</summary>
    public static string Fixture(params string[] parts) => PathOf(["tests", "fixtures", .. parts]);

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "SLoRA.Core.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("The tests run outside the repository.");
    }
}
