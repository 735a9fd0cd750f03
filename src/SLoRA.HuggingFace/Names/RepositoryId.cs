using System.Buffers;

namespace SLoRA.HuggingFace.Names;

/// <summary>
/// The id of a repository, <c>owner/name</c> or <c>name</c>, of which nothing can lead out of the cache or to another address.
/// </summary>
internal sealed class RepositoryId
{
    private const int LongestPart = 96;
    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");

    private RepositoryId(string value) => Value = value;

    /// <summary>The id as it was given.</summary>
    public string Value { get; }

    /// <summary>What the cache calls the repository.</summary>
    public string Folder => "models--" + Value.Replace("/", "--", StringComparison.Ordinal);

    /// <summary>Checks an id.</summary>
    /// <exception cref="HubException">It is none.</exception>
    public static RepositoryId Parse(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        string[] parts = id.Split('/');
        bool isOne = parts.Length <= 2 && Array.TrueForAll(parts, IsPart)
            && !id.Contains("--", StringComparison.Ordinal) && !id.Contains("..", StringComparison.Ordinal)
            && !id.EndsWith(".git", StringComparison.Ordinal);
        return isOne
            ? new RepositoryId(id)
            : throw new HubException(
                HubErrorKind.InvalidName,
                $"{Shown.Name(id)} is not the id of a repository: an owner, a slash and a name, of letters, digits, '_', '.' and '-'.");
    }

    /// <inheritdoc/>
    public override string ToString() => Value;

    private static bool IsPart(string part) =>
        part.Length is > 0 and <= LongestPart && !part.AsSpan().ContainsAnyExcept(Allowed) && part[0] is not ('.' or '-')
            && part[^1] is not ('.' or '-');
}
