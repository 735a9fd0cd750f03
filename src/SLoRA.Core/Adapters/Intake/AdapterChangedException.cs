using SLoRA.Adapters.Intake;

namespace SLoRA;

/// <summary>
/// An adapter is no longer, where it comes from, what it was when its name got it: a folder was overwritten, or the adapter source brings
/// something else. <see cref="SLoraException.Code"/> is <c>adapter.changed</c>. Nothing of the new is served and nothing is mixed;
/// <see cref="AdapterCollection.RefreshAsync"/> or <see cref="AdapterCollection.ReplaceAsync"/> accepts the change, and so does
/// <see cref="ChangedContent.Adopt"/> by itself.
/// </summary>
public sealed class AdapterChangedException : AdapterLoadException
{
    internal AdapterChangedException(string adapter, string file, AdapterIdentity expected, AdapterIdentity found)
        : base(adapter, "adapter.changed", LoadErrorKind.File, $"{file} was changed: it is {found} now, the name stands for {expected}")
    {
        Expected = expected.ToString();
        Found = found.ToString();
    }

    private AdapterChangedException(AdapterChangedException other)
        : base(other)
    {
        Expected = other.Expected;
        Found = other.Found;
    }

    /// <summary>
    /// What the name stands for: generation, or headers where content has never been read, with size and time of the file where there is
    /// one.
    /// </summary>
    public string Expected { get; }

    /// <summary>What was found instead.</summary>
    public string Found { get; }

    internal override SLoraException Repeat() => new AdapterChangedException(this);
}
