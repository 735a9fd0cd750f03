using System.Text.RegularExpressions;

namespace SLoRA.Core.Tests.Architecture;

/// <summary>
/// The rooms of SLoRA.Core, which are its folders: their order as docs/architecture.md has it, and which type is in which.
/// </summary>
internal static partial class Rooms
{
    /// <summary>The folder of files that are in none.</summary>
    public const string Root = "(root)";

    private static readonly string Source = Path.Combine(RepositoryFolder.Path, "src", "SLoRA.Core");

    /// <summary>Folders that hold code.</summary>
    public static IReadOnlySet<string> Folders { get; } = Files().Select(RoomOf).ToHashSet(StringComparer.Ordinal);

    /// <summary>Name of a type → the folder of the file that declares it.</summary>
    public static IReadOnlyDictionary<string, string> ByType { get; } = Declarations();

    /// <summary>The rooms from the top down: the first words of the lines of the code block under the heading "Rooms".</summary>
    public static IReadOnlyList<string> Order()
    {
        string page = File.ReadAllText(Path.Combine(RepositoryFolder.Path, "docs", "architecture.md"));
        Match block = OrderBlock().Match(page);
        return [.. block.Groups[1].Value.Split('\n').Select(line => line.Split(' ')[0]).Where(room => room.Length > 0)];
    }

    private static Dictionary<string, string> Declarations()
    {
        var rooms = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string file in Files())
        {
            foreach (Match declaration in Declaration().Matches(File.ReadAllText(file)))
            {
                rooms[declaration.Groups[1].Value] = RoomOf(file);
            }
        }

        return rooms;
    }

    private static IEnumerable<string> Files() => Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories)
        .Where(file => Path.GetRelativePath(Source, file).Split(Path.DirectorySeparatorChar)[0] is not ("bin" or "obj"));

    private static string RoomOf(string file) =>
        Path.GetDirectoryName(Path.GetRelativePath(Source, file)) is { Length: > 0 } folder
            ? folder.Replace(Path.DirectorySeparatorChar, '/')
            : Root;

    [GeneratedRegex(@"^## Rooms\n.*?```\w*\n(.*?)```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex OrderBlock();

    [GeneratedRegex(@"^(?:public|internal|file)[\w ]*? (?:class|record struct|record class|record|struct|enum|interface|delegate "
        + @"[\w<>\[\]?,. ]+?) (\w+)", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
