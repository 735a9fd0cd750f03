using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace SLoRA.HuggingFace.Tests.Layouts;

/// <summary>
/// What lies at a path of a cache, as a text that can be compared: a folder, a link with its target, a file with its size and hash.
/// </summary>
internal static class LayoutEntry
{
    public static string Of(JsonObject entry) => (string)entry["type"]! switch
    {
        "dir" => "folder",
        "link" => "link to " + entry["target"],
        _ => $"file of {entry["size"]} bytes, {entry["sha256"]}",
    };

    public static string OfFile(byte[] bytes) => $"file of {bytes.Length} bytes, {Convert.ToHexStringLower(SHA256.HashData(bytes))}";

    public static string OfFile(string text) => OfFile(Encoding.UTF8.GetBytes(text));

    /// <summary>All that lies in a folder.</summary>
    public static SortedDictionary<string, string> Read(string folder)
    {
        var entries = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (Directory.Exists(folder))
        {
            Read(new DirectoryInfo(folder), folder, entries);
        }

        return entries;
    }

    private static void Read(DirectoryInfo at, string root, SortedDictionary<string, string> entries)
    {
        foreach (FileSystemInfo entry in at.EnumerateFileSystemInfos())
        {
            string path = Path.GetRelativePath(root, entry.FullName).Replace(Path.DirectorySeparatorChar, '/');
            entries[path] = entry switch
            {
                { LinkTarget: { } target } => "link to " + target,
                DirectoryInfo => "folder",
                _ => OfFile(File.ReadAllBytes(entry.FullName)),
            };
            if (entry is DirectoryInfo { LinkTarget: null } below)
            {
                Read(below, root, entries);
            }
        }
    }
}
