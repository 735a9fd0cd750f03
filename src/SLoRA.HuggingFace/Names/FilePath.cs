using System.Buffers;
using System.Text;

namespace SLoRA.HuggingFace.Names;

/// <summary>
/// Paths of files in repositories. Their names come from strangers and become names on a disk, perhaps of another system than this one: a
/// cache is carried between them. So what any of them would refuse, or would take for something else, is refused on all.
/// </summary>
internal static class FilePath
{
    private const int LongestSegmentBytes = 255;
    private static readonly SearchValues<char> Forbidden = SearchValues.Create("\\:?*\"<>|");
    private static readonly HashSet<string> Devices = new(
        ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", .. Ports("COM"), .. Ports("LPT")], StringComparer.OrdinalIgnoreCase);

    /// <summary>Why a path of a repository is not one of a file here; null when it is.</summary>
    public static string? Problem(string path)
    {
        foreach (string segment in path.Split('/'))
        {
            if (ProblemOfSegment(segment) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    /// <summary>Checks a path that the program gave.</summary>
    /// <param name="path">The path.</param>
    /// <param name="what">What it is to be, for the message.</param>
    /// <exception cref="HubException">It is none.</exception>
    public static void Check(string path, string what)
    {
        if (Problem(path) is { } problem)
        {
            throw new HubException(HubErrorKind.InvalidName, $"{Shown.Name(path)} is not the path of a {what} in a repository: {problem}.");
        }
    }

    /// <summary>
    /// Whether two paths cannot lie in one folder: one is the folder of the other, or, where the file system does not tell cases apart,
    /// they are the same file.
    /// </summary>
    /// <param name="paths">All paths of a revision.</param>
    /// <param name="foldsCase">Whether the file system takes capitals and small letters for the same.</param>
    /// <returns>The path that has no place beside another; null when all have.</returns>
    public static string? Clash(IReadOnlyCollection<string> paths, bool foldsCase)
    {
        var files = new HashSet<string>(foldsCase ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
        foreach (string path in paths)
        {
            if (!files.Add(path))
            {
                return path;
            }
        }

        return paths.FirstOrDefault(path => FoldersOf(path).Any(files.Contains));
    }

    private static IEnumerable<string> FoldersOf(string path)
    {
        for (int slash = path.IndexOf('/'); slash >= 0; slash = path.IndexOf('/', slash + 1))
        {
            yield return path[..slash];
        }
    }

    private static string? ProblemOfSegment(string segment)
    {
        if (segment is "" or "." or "..")
        {
            return "it has an empty part, or one that leads to another folder";
        }

        if (segment.AsSpan().ContainsAny(Forbidden) || segment.Any(char.IsControl))
        {
            return "it has characters that names of files cannot have on every system";
        }

        if (segment[^1] is '.' or ' ')
        {
            return "a part of it ends in a dot or a blank, which some systems drop";
        }

        if (Devices.Contains(segment.Split('.')[0].TrimEnd(' ')))
        {
            return "a part of it is the name of a device on some systems";
        }

        try
        {
            return StrictUtf8.GetByteCount(segment) <= LongestSegmentBytes ? null : "a part of it is longer than names of files can be";
        }
        catch (EncoderFallbackException)
        {
            return "it is not Unicode";
        }
    }

    private static UTF8Encoding StrictUtf8 { get; } = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static IEnumerable<string> Ports(string device) => "0123456789¹²³".Select(number => device + number);
}
