using System.Collections.Immutable;
using Microsoft.Win32.SafeHandles;
using SLoRA.Formats;
using SLoRA.Formats.Peft;

namespace SLoRA.Adapters;

/// <summary>
/// An adapter as PEFT saves it: a folder with adapter_config.json and adapter_model.safetensors. The files are read, never mapped: a mapped
/// file that its owner truncates would end the process. Pickled tensors are not read at all. Errors name files from the folder on.
/// </summary>
/// <param name="name">The adapter's name.</param>
/// <param name="path">The folder.</param>
/// <param name="limits">How large the files may be; null for the default.</param>
/// <param name="followsLinks">Whether the folder and its files may be symbolic links: those of Hugging Face's cache are, those of tenants must not be.</param>
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
    public override AdapterReader Open(CancellationToken cancellation)
    {
        if (!Directory.Exists(_path))
        {
            string problem = File.Exists(_path) ? "is registered by a file; name the folder that it is in" : "its folder does not exist";
            throw new FormatError(LoadErrorKind.File, null, null, problem);
        }

        if (!followsLinks && IsLink(_path))
            throw new FormatError(LoadErrorKind.File, null, null, "its folder is a symbolic link, which is not followed here");

        byte[] config = ReadConfig();
        PeftConfig checkedConfig = PeftConfigReader.Read(ConfigDocument.Parse(config, ConfigFile));
        FileStream stream = OpenFile(TensorFile, _limits.FileBytes);
        try
        {
            return new Reader(stream, checkedConfig, config, _limits.HeaderBytes, cancellation);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private byte[] ReadConfig()
    {
        using FileStream stream = OpenFile(ConfigFile, _limits.ConfigBytes);
        byte[] bytes = new byte[stream.Length];
        ReadAll(stream.SafeFileHandle, ConfigFile, 0, bytes);
        return bytes;
    }

    private FileStream OpenFile(string file, long largest)
    {
        string full = Path.Combine(_path, file);
        try
        {
            if (!followsLinks && IsLink(full))
                throw new FormatError(LoadErrorKind.File, file, null, "is a symbolic link, which is not followed here");
            // Measured before it is opened: a pipe or device in the place of a file has no length, and opening it could wait for ever.
            FileSystemInfo target = File.ResolveLinkTarget(full, returnFinalTarget: true) ?? new FileInfo(full);
            if (target is not FileInfo { Exists: true, Length: var length })
                throw new FileNotFoundException(null, file);
            if (length == 0)
                throw new FormatError(LoadErrorKind.File, file, null, "is empty");
            if (length > largest)
                throw new FormatError(LoadErrorKind.File, file, null, $"has {length} bytes; files of more than {largest} are not read");
            return new FileStream(full, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Missing(file, error);
        }
        catch (Exception error) when (FileProblem.IsOne(error))
        {
            throw Unreadable(file, error);
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
            return Unreadable(file, error);
        }
    }

    private static bool IsLink(string path) => new FileInfo(path).LinkTarget is not null;

    private static void ReadAll(SafeFileHandle handle, string file, long offset, Span<byte> destination)
    {
        try
        {
            while (!destination.IsEmpty)
            {
                int read = RandomAccess.Read(handle, destination, offset);
                if (read == 0)
                    throw new FormatError(LoadErrorKind.File, file, null, "became shorter while it was read");
                destination = destination[read..];
                offset += read;
            }
        }
        catch (Exception error) when (FileProblem.IsOne(error))
        {
            throw Unreadable(file, error);
        }
    }

    private static FormatError Unreadable(string file, Exception error) => new(LoadErrorKind.File, file, null, FileProblem.Of(error), error);

    private sealed class Reader : AdapterReader
    {
        private readonly FileStream _stream;
        private readonly (long Length, DateTime Written) _state;

        public Reader(FileStream stream, PeftConfig config, byte[] configBytes, long longestHeader, CancellationToken cancellation)
        {
            _stream = stream;
            _state = State();
            Config = config;
            Tensors = SafetensorsHeader.Read(stream, TensorFile, longestHeader, cancellation).Tensors;
            Fingerprint = FingerprintOf(configBytes, Tensors);
        }

        public override string File => TensorFile;

        public override PeftConfig Config { get; }

        public override ImmutableArray<TensorEntry> Tensors { get; }

        public override long Bytes => _state.Length;

        public override ReadOnlyMemory<byte> Fingerprint { get; }

        public override void Read(TensorEntry tensor, long offset, Span<byte> destination) =>
            ReadAll(_stream.SafeFileHandle, File, tensor.Begin + offset, destination);

        public override void CheckUnchanged()
        {
            if (State() != _state)
                throw new FormatError(LoadErrorKind.File, File, null, "was changed while it was read");
        }

        public override void Dispose() => _stream.Dispose();

        private (long Length, DateTime Written) State()
        {
            try
            {
                return (RandomAccess.GetLength(_stream.SafeFileHandle), System.IO.File.GetLastWriteTimeUtc(_stream.SafeFileHandle));
            }
            catch (Exception error) when (FileProblem.IsOne(error))
            {
                throw Unreadable(File, error);
            }
        }
    }
}
