namespace SLoRA.Adapters;

/// <summary>
/// Where the bytes of one adapter come from. Immutable and cheap: it holds no file open. It is opened twice, at registration for what
/// configuration and header say, and at the first load for the content.
/// </summary>
internal abstract class AdapterPackage(string name)
{
    /// <summary>The adapter's name, for errors.</summary>
    public string Name { get; } = name;

    /// <summary>Where its content lies on this machine: for the log, not for messages.</summary>
    public virtual string Location => "in memory";

    /// <summary>Whether it can be opened again after <see cref="Release"/>.</summary>
    public virtual bool CanReadAgain => true;

    /// <summary>Opens the package: reads and checks its configuration and the list of its tensors.</summary>
    /// <param name="cancellation">Ends the reading of a long header.</param>
    /// <exception cref="Formats.FormatError">Something is missing, unreadable or not what its format says.</exception>
    public abstract AdapterReader Open(CancellationToken cancellation);

    /// <summary>The content has been read and is held elsewhere: memory that the package holds is let go.</summary>
    public virtual void Release()
    {
    }
}
