using System.IO.Enumeration;

namespace SLoRA.HuggingFace.Selection;

/// <summary>
/// A pattern of paths, in the letters in which they are stored: <c>*</c> and <c>?</c> stand for what is within a folder's or file's name,
/// <c>**</c> for any folders.
/// </summary>
internal sealed class Glob
{
    private readonly string[] _segments;

    public Glob(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        if (Names.FilePath.Problem(pattern.Replace('*', '-').Replace('?', '-')) is { } problem)
        {
            throw new HubException(
                HubErrorKind.InvalidName, $"{Names.Shown.Name(pattern)} is not a pattern of paths in a repository: {problem}.");
        }

        Pattern = pattern;
        _segments = pattern.Split('/');
    }

    /// <summary>The pattern.</summary>
    public string Pattern { get; }

    /// <summary>Whether it is the path of one file.</summary>
    public bool IsPath => !Pattern.AsSpan().ContainsAny('*', '?');

    /// <summary>Whether a path matches.</summary>
    public bool Matches(string path) => Matches(_segments, path.Split('/'));

    private static bool Matches(ReadOnlySpan<string> pattern, ReadOnlySpan<string> path)
    {
        while (!pattern.IsEmpty)
        {
            if (pattern[0] == "**")
            {
                // The last one takes files too, so that "**" is everything.
                ReadOnlySpan<string> rest = pattern[1..];
                if (rest.IsEmpty)
                {
                    return true;
                }

                for (int skipped = 0; skipped < path.Length; skipped++)
                {
                    if (Matches(rest, path[skipped..]))
                    {
                        return true;
                    }
                }

                return false;
            }

            if (path.IsEmpty || !FileSystemName.MatchesSimpleExpression(pattern[0], path[0], ignoreCase: false))
            {
                return false;
            }

            pattern = pattern[1..];
            path = path[1..];
        }

        return path.IsEmpty;
    }
}
