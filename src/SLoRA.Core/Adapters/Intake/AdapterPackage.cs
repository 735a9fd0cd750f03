using System.Globalization;
using SLoRA.Formats.Gguf;

namespace SLoRA.Adapters.Intake;

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

    /// <summary>The folder that its content lies in; null where it is not in a folder of its own.</summary>
    public virtual string? Folder => null;

    /// <summary>Whether it can be opened again after <see cref="Release"/>.</summary>
    public virtual bool CanReadAgain => true;

    /// <summary>Refuses what can be no adapter's name.</summary>
    /// <exception cref="ArgumentException">It is missing, empty or too long.</exception>
    public static void CheckName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > AdapterUse.MaxNameLength)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture,
                    $"The name of an adapter has {name.Length} characters; at most {AdapterUse.MaxNameLength} are taken."), nameof(name));
        }
    }

    /// <summary>The same content for one engine, which may <see cref="Release"/> it without taking it from others.</summary>
    public virtual AdapterPackage ForEngine() => this;

    /// <summary>The package of a path: a folder of PEFT's or MLX's, or a file in GGUF.</summary>
    /// <param name="name">The adapter's name.</param>
    /// <param name="path">The folder or the file.</param>
    /// <param name="followsLinks">Whether it, and files in it, may be symbolic links.</param>
    public static AdapterPackage Of(string name, string path, bool followsLinks = true) =>
        path.EndsWith(GgufFiles.Ending, StringComparison.OrdinalIgnoreCase)
            ? new GgufAdapter(name, path, followsLinks: followsLinks)
            : new AdapterFolder(name, path, followsLinks: followsLinks);

    /// <summary>The same content for adapters of one base model.</summary>
    public virtual AdapterPackage ForBase(AdapterBase model) => this;

    /// <summary>Opens the package: reads and checks its configuration and the list of its tensors.</summary>
    /// <param name="load">Says when it may work, and when nobody wants it any more; null for always.</param>
    /// <exception cref="Formats.FormatError">Something is missing, unreadable or not what its format says.</exception>
    public abstract AdapterReader Open(PacedLoad? load = null);

    /// <summary>
    /// How the files stand, without opening them: equal stamps are equal files, as far as sizes and times can tell. Null where there are
    /// none.
    /// </summary>
    /// <exception cref="Formats.FormatError">They cannot be looked at.</exception>
    public virtual PackageStamp? Look() => null;

    /// <summary>The content has been read and is held elsewhere: memory that the package holds is let go.</summary>
    public virtual void Release()
    {
    }
}
