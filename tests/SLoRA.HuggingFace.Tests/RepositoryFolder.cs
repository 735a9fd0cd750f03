namespace SLoRA.HuggingFace.Tests;

/// <summary>Finds the repository that the tests were built in, and the fixtures.</summary>
internal static class RepositoryFolder
{
    public static string Path { get; } = Find();

    /// <summary>The fixtures of the repository, then the folders of the same form that SLORA_HUB names, separated as in PATH.</summary>
    public static IEnumerable<string> HubFixtures { get; } =
    [
        System.IO.Path.Combine(Path, "tests", "fixtures", "hub"),
        .. (Environment.GetEnvironmentVariable("SLORA_HUB") ?? "")
            .Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
    ];

    /// <summary>A file of the repository's own fixtures.</summary>
    public static string Hub(string file) => System.IO.Path.Combine(HubFixtures.First(), file);

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
