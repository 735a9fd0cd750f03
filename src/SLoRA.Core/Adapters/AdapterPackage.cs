namespace SLoRA.Adapters;

/// <summary>
/// Where the bytes of one adapter come from. Immutable and cheap: it holds no file open. It is opened twice, at registration for what
/// configuration and header say, and at the first load for the content.
/// </summary>
internal abstract class AdapterPackage(string name)
{
    /// <summary>The adapter's name, for errors.</summary>
    public string Name { get; } = name;

    /// <summary>Whether it can be opened again after <see cref="Release"/>.</summary>
    public virtual bool CanReadAgain => true;

    /// <summary>Opens the package: reads and checks its configuration and the list of its tensors.</summary>
    /// <param name="load">Says when it may work; null for always.</param>
    /// <exception cref="Formats.FormatError">Something is missing, unreadable or not what its format says.</exception>
    public abstract AdapterReader Open(PacedLoad? load = null);

    /// <summary>
    /// How the files stand, without opening them: equal stamps are equal files, as far as sizes and times can tell. Null where there are none.
    /// </summary>
    /// <exception cref="Formats.FormatError">They cannot be looked at.</exception>
    public virtual PackageStamp? Look() => null;

    /// <summary>The content has been read and is held elsewhere: memory that the package holds is let go.</summary>
    public virtual void Release()
    {
    }
}
