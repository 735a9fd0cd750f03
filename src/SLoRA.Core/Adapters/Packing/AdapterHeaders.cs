using SLoRA.Adapters.Intake;

namespace SLoRA.Adapters.Packing;

/// <summary>
/// What is kept of an adapter's configuration and headers: enough to serve it, and little enough to keep ten thousand of them.
/// </summary>
/// <param name="Package">Where the content comes from.</param>
/// <param name="Coverage">The report for the user.</param>
/// <param name="Fingerprint">What the package must still have when its content is read.</param>
/// <param name="Shape">What it has in common with others.</param>
/// <param name="Stamp">How the files stood; null where there are none.</param>
internal sealed record AdapterHeaders(
    AdapterPackage Package, AdapterCoverage Coverage, ReadOnlyMemory<byte> Fingerprint, AdapterShape Shape, PackageStamp? Stamp)
{
    /// <summary>What tells it from other states of the adapter.</summary>
    /// <param name="content">Its content; null when that has not been read.</param>
    public AdapterIdentity IdentityOf(GenerationId? content) => new(content, Fingerprint, Stamp);
}

/// <summary>What reading an adapter has brought.</summary>
/// <param name="Headers">What its headers say.</param>
/// <param name="Image">Its content, owned by whoever has this; null when only the headers were read: the adapter source has answered, and
/// the content comes next.</param>
internal sealed record LoadedAdapter(AdapterHeaders Headers, PageImage? Image) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Image?.Dispose();
}
