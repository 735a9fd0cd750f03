namespace SLoRA.Core.Tests;

/// <summary>Finds the repository that the tests were built in.</summary>
internal static class RepositoryFolder
{
    public static string Path { get; } = Find();

    public static string Fixtures { get; } = System.IO.Path.Combine(Path, "tests", "fixtures");

    /// <summary>A folder or file of tests/fixtures.</summary>
    public static string Fixture(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Fixtures, .. parts]);

    private static string Find()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder, "SLoRA.Core.sln")))
        {
            folder = System.IO.Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds the solution.");
    }
}
