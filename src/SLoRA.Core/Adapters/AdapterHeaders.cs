namespace SLoRA.Adapters;

/// <summary>What is kept of an adapter's configuration and headers: enough to serve it, and little enough to keep ten thousand of them.</summary>
/// <param name="Package">Where the content comes from.</param>
/// <param name="Coverage">The report for the user.</param>
/// <param name="Fingerprint">What the package must still have when its content is read.</param>
/// <param name="Shape">What it has in common with others.</param>
internal sealed record AdapterHeaders(AdapterPackage Package, AdapterCoverage Coverage, ReadOnlyMemory<byte> Fingerprint, AdapterShape Shape);

/// <summary>An adapter that has been read completely.</summary>
/// <param name="Headers">What its headers say.</param>
/// <param name="Image">Its content; owned by whoever has this.</param>
internal sealed record LoadedAdapter(AdapterHeaders Headers, PageImage Image) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Image.Dispose();
}
