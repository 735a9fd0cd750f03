using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Formats.Peft;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// An adapter as PEFT saves it: a folder with adapter_config.json and adapter_model.safetensors, or an index of several such. The files
/// are read, never mapped: a mapped file that its owner truncates would end the process. Pickled tensors are not read at all. Errors name
/// files from the folder on.
/// </summary>
/// <param name="name">The adapter's name.</param>
/// <param name="path">The folder.</param>
/// <param name="limits">How large the files may be; null for the default.</param>
/// <param name="followsLinks">Whether the folder and its files may be symbolic links: those of Hugging Face's cache are, those of tenants
/// must not be.</param>
internal sealed class AdapterFolder(string name, string path, AdapterLimits? limits = null, bool followsLinks = true) : AdapterPackage(name)
{
    public const string ConfigFile = PeftFolder.ConfigFile;
    public const string TensorFile = PeftFolder.TensorFile;

    // Absolute, so that a program that changes its directory still means the same folder at the first load.
    private readonly string _path = path.Length == 0 || path.Contains('\0') ? path : Path.GetFullPath(path);
    private readonly AdapterLimits _limits = limits ?? AdapterLimits.Default;

    /// <inheritdoc/>
    public override string Location => _path;

    /// <inheritdoc/>
    public override AdapterReader Open(PacedLoad? load = null)
    {
        if (!Directory.Exists(_path))
        {
            string problem = File.Exists(_path) ? "is registered by a file; name the folder that it is in" : "its folder does not exist";
            throw new FormatError(LoadErrorKind.File, null, null, problem);
        }

        if (!followsLinks)
        {
            AdapterFile.RefuseLink(_path, null, "its folder is a symbolic link, which is not followed here");
        }

        byte[] config = ReadConfig(out (long Length, DateTime Written) configState);
        PeftConfig checkedConfig = ParseConfig(config, load);

        AdapterTensorFiles files = OpenTensors(load);
        try
        {
            return new Reader(this, files, checkedConfig, config, configState, load);
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override PackageStamp? Look()
    {
        (long configBytes, DateTime configWritten) = AdapterFile.StateOf(Path.Combine(_path, ConfigFile), ConfigFile, followsLinks);
        (long tensorBytes, DateTime tensorsWritten) = AdapterTensorFiles.Look(_path, _limits, followsLinks);
        return new PackageStamp(configBytes, configWritten, tensorBytes, tensorsWritten);
    }

    private byte[] ReadConfig(out (long Length, DateTime Written) state)
    {
        using FileStream stream = OpenFile(ConfigFile, _limits.ConfigBytes);
        state = AdapterFile.StateOf(stream.SafeFileHandle, ConfigFile);
        byte[] bytes = new byte[state.Length];
        AdapterFile.Read(stream.SafeFileHandle, ConfigFile, 0, bytes);
        return bytes;
    }

    private static PeftConfig ParseConfig(byte[] config, PacedLoad? load)
    {
        using PacedWork? work = load?.WorkInPieces();
        return PeftConfigReader.Read(ConfigDocument.Parse(config, ConfigFile));
    }

    private AdapterTensorFiles OpenTensors(PacedLoad? load)
    {
        try
        {
            return AdapterTensorFiles.Open(_path, _limits, followsLinks, load);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Missing(TensorFile, error);
        }
    }

    private FileStream OpenFile(string file, long largest)
    {
        try
        {
            return AdapterFile.Open(Path.Combine(_path, file), file, largest, followsLinks);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Missing(file, error);
        }
    }

    private FormatError Missing(string file, Exception error)
    {
        try
        {
            return PeftFolder.Missing(_path, file);
        }
        catch (Exception folder) when (FileProblem.IsOne(folder))
        {
            // The folder itself has gone, or may not be looked into.
            return AdapterFile.Unreadable(file, error);
        }
    }

    private sealed class Reader : AdapterReader
    {
        private readonly AdapterFolder _folder;
        private readonly AdapterTensorFiles _files;
        private readonly PackageStamp _stamp;

        public Reader(AdapterFolder folder, AdapterTensorFiles files, PeftConfig config, byte[] configBytes,
            (long Length, DateTime Written) configState, PacedLoad? load)
        {
            _folder = folder;
            _files = files;
            (long length, DateTime written) = files.State;
            _stamp = new PackageStamp(configState.Length, configState.Written, length, written);
            Config = config;
            ConfigBytes = configBytes;
            using PacedWork? work = load?.WorkInPieces();
            Fingerprint = FingerprintOf(configBytes, Tensors, work);
        }

        public override string File => _files.Name;

        public override PeftConfig Config { get; }

        public override ReadOnlyMemory<byte> ConfigBytes { get; }

        public override ImmutableArray<TensorEntry> Tensors => _files.Tensors;

        public override long Bytes => _stamp.TensorBytes;

        public override ReadOnlyMemory<byte> Fingerprint { get; }

        public override PackageStamp? Stamp => _stamp;

        public override void Read(TensorEntry tensor, long offset, Span<byte> destination) =>
            _files.Read(tensor, offset, destination);

        public override void CheckUnchanged()
        {
            // The open files, and what lies in the folder now: one half from before a change and the other from after it would be an
            // adapter that nobody made.
            if (_files.State != (_stamp.TensorBytes, _stamp.TensorsWritten) || _folder.Look() != _stamp)
            {
                throw new FormatError(LoadErrorKind.File, File, null, "was changed while it was read");
            }
        }

        public override void Dispose() => _files.Dispose();
    }
}
