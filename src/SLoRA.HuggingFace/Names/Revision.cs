namespace SLoRA.HuggingFace.Names;

/// <summary>A branch, a tag, a reference such as <c>refs/pr/1</c>, or a commit.</summary>
internal sealed class Revision
{
    private const int LongestName = 1024;
    private const int LongestSegment = 255;

    private Revision(string value) => Value = value;

    /// <summary>The revision as it was given.</summary>
    public string Value { get; }

    /// <summary>Whether it is a full commit, which can never mean anything else. A shortened one is a name like any other.</summary>
    public bool IsCommit => Hex.IsCommit(Value);

    /// <summary>Checks a revision.</summary>
    /// <exception cref="HubException">It is none, or its reference would lie elsewhere.</exception>
    public static Revision Parse(string revision)
    {
        ArgumentNullException.ThrowIfNull(revision);
        bool isOne = revision.Length <= LongestName && Array.TrueForAll(revision.Split('/'), IsSegment);
        return isOne
            ? new Revision(revision)
            : throw new HubException(HubErrorKind.InvalidName, $"{Shown.Name(revision)} is not the name of a branch, tag or commit.");
    }

    /// <inheritdoc/>
    public override string ToString() => Value;

    private static bool IsSegment(string segment) =>
        segment.Length is > 0 and <= LongestSegment && segment is not ("." or "..") && !segment.AsSpan().ContainsAny('\\', ':')
            && !segment.Any(char.IsControl);
}
