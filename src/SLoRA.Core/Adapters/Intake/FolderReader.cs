using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Formats.Peft;

namespace SLoRA.Adapters.Intake;

/// <summary>The opened folder of an adapter.</summary>
internal class FolderReader : AdapterReader
{
    private readonly AdapterFolder _folder;
    private readonly AdapterTensorFiles _files;
    private readonly PackageStamp _stamp;

    /// <summary>Takes what was opened.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="files">Its tensors; disposed with the reader.</param>
    /// <param name="config">The checked configuration.</param>
    /// <param name="configBytes">The bytes that it was read from.</param>
    /// <param name="configState">Length and time of their file.</param>
    /// <param name="load">Says when it may work; null for always.</param>
    public FolderReader(
        AdapterFolder folder, AdapterTensorFiles files, PeftConfig config, byte[] configBytes, (long Length, DateTime Written) configState,
        PacedLoad? load)
    {
        _folder = folder;
        _files = files;
        (long length, DateTime written) = files.State;
        _stamp = new PackageStamp(configState.Length, configState.Written, length, written);
        Config = config;
        ConfigBytes = configBytes;
        using PacedWork? work = load?.WorkInPieces();
        Fingerprint = FingerprintOf(configBytes, files.Tensors, work);
    }

    /// <inheritdoc/>
    public override string File => _files.Name;

    /// <inheritdoc/>
    public override PeftConfig Config { get; }

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> ConfigBytes { get; }

    /// <inheritdoc/>
    public override ImmutableArray<TensorEntry> Tensors => _files.Tensors;

    /// <inheritdoc/>
    public override long Bytes => _stamp.TensorBytes;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Fingerprint { get; }

    /// <inheritdoc/>
    public override PackageStamp? Stamp => _stamp;

    /// <inheritdoc/>
    public override void Read(TensorEntry tensor, long offset, Span<byte> destination) => _files.Read(tensor, offset, destination);

    /// <inheritdoc/>
    public override void CheckUnchanged()
    {
        // The open files, and what lies in the folder now: one half from before a change and the other from after it would be an
        // adapter that nobody made.
        if (_files.State != (_stamp.TensorBytes, _stamp.TensorsWritten) || _folder.Look() != _stamp)
        {
            throw new FormatError(LoadErrorKind.File, File, null, "was changed while it was read");
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => _files.Dispose();
}
