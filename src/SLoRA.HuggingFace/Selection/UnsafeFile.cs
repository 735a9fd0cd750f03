using SLoRA.HuggingFace.Names;

namespace SLoRA.HuggingFace.Selection;

/// <summary>Errors about files that nobody gets.</summary>
internal static class UnsafeFile
{
    /// <summary>A pickle was named.</summary>
    public static HubException Pickle(string path) =>
        Of(path, $"{Shown.Name(path)} is a pickle by its name; pickles run code when they are read, and are not downloaded.");

    /// <summary>A repository has a file that cannot lie in a cache.</summary>
    public static HubException Listed(RepositoryId repository, string path, string problem) =>
        Of(path, $"{repository} has a file {Shown.Name(path)}: {problem}. Nothing of the repository was downloaded.");

    private static HubException Of(string path, string problem) => new(HubErrorKind.UnsafeFile, problem) { Files = [path] };
}
