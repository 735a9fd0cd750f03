using System.Buffers.Binary;
using System.Collections.Immutable;
using Microsoft.Win32.SafeHandles;
using SLoRA.Formats;
using SLoRA.Formats.Peft;
using SLoRA.Native;

namespace SLoRA.Adapters;

/// <summary>
/// An adapter as PEFT saves it: a folder with adapter_config.json and adapter_model.safetensors. The files are read, never mapped: a mapped
/// file that its owner truncates would end the process. Pickled tensors are not read at all.
/// </summary>
/// <param name="name">The adapter's name.</param>
/// <param name="path">The folder.</param>
/// <param name="limits">How large the files may be; null for the default.</param>
/// <param name="followsLinks">Whether the files may be symbolic links: those that the program names may, as in the cache of Hugging Face's tools.</param>
internal sealed class AdapterFolder(string name, string path, AdapterLimits? limits = null, bool followsLinks = true) : AdapterPackage(name)
{
    public const string ConfigFile = "adapter_config.json";
    public const string TensorFile = "adapter_model.safetensors";
    private const string PickleFile = "adapter_model.bin";

    // Absolute, so that a program that changes its directory still means the same folder at the first load.
    private readonly string _path = path.Length == 0 || path.Contains('\0') ? path : Path.GetFullPath(path);
    private readonly AdapterLimits _limits = limits ?? AdapterLimits.Default;

    /// <inheritdoc/>
    public override AdapterReader Open(PacedLoad? load = null)
    {
        if (!Directory.Exists(_path))
        {
            string problem = System.IO.File.Exists(_path) ? "is a file, expected the folder of an adapter" : "does not exist";
            throw new FormatError(LoadErrorKind.File, _path, null, problem);
        }

        byte[] config = ReadConfig(Path.Combine(_path, ConfigFile), out (long Length, DateTime Written) configState);
        PeftConfig checkedConfig = ParseConfig(config, load);

        string file = Path.Combine(_path, TensorFile);
        if (!System.IO.File.Exists(file) && System.IO.File.Exists(Path.Combine(_path, PickleFile)))
        {
            throw new FormatError(
                LoadErrorKind.File, _path, PickleFile, $"is a pickle, which can run any program when it is read; save the adapter as {TensorFile}");
        }

        FileStream stream = OpenFile(file, _limits.FileBytes);
        try
        {
            CheckHeaderLength(stream.SafeFileHandle, file);
            return new Reader(this, file, stream, checkedConfig, config, configState, load);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override PackageStamp? Look()
    {
        (long configBytes, DateTime configWritten) = StateOf(new FileInfo(Path.Combine(_path, ConfigFile)));
        (long tensorBytes, DateTime tensorsWritten) = StateOf(new FileInfo(Path.Combine(_path, TensorFile)));
        return new PackageStamp(configBytes, configWritten, tensorBytes, tensorsWritten);
    }

    private static (long Length, DateTime Written) StateOf(FileInfo file)
    {
        try
        {
            FileInfo target = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
            return (target.Length, target.LastWriteTimeUtc);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FormatError(LoadErrorKind.File, file.FullName, null, "cannot be read: " + error.Message, error);
        }
    }

    private static (long Length, DateTime Written) StateOf(SafeFileHandle handle, string file)
    {
        try
        {
            return (RandomAccess.GetLength(handle), System.IO.File.GetLastWriteTimeUtc(handle));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FormatError(LoadErrorKind.File, file, null, "cannot be read: " + error.Message, error);
        }
    }

    private byte[] ReadConfig(string file, out (long Length, DateTime Written) state)
    {
        using FileStream stream = OpenFile(file, _limits.ConfigBytes);
        state = StateOf(stream.SafeFileHandle, file);
        byte[] bytes = new byte[state.Length];
        ReadAll(stream.SafeFileHandle, file, 0, bytes);
        return bytes;
    }

    private PeftConfig ParseConfig(byte[] config, PacedLoad? load)
    {
        using PacedWork? work = load?.WorkInPieces();
        return PeftConfigReader.Read(ConfigDocument.Parse(config, Path.Combine(_path, ConfigFile)));
    }

    private FileStream OpenFile(string file, long largest)
    {
        try
        {
            var stream = new FileStream(RegularFile.Open(file, followsLinks), FileAccess.Read, bufferSize: 0);
            if (stream.Length > 0 && stream.Length <= largest)
                return stream;
            string problem = stream.Length == 0 ? "is empty" : $"has {stream.Length} bytes; files of more than {largest} are not read";
            stream.Dispose();
            throw new FormatError(LoadErrorKind.File, file, null, problem);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FormatError(LoadErrorKind.File, file, null, "does not exist", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new FormatError(LoadErrorKind.File, file, null, "cannot be read: " + error.Message, error);
        }
    }

    private void CheckHeaderLength(SafeFileHandle handle, string file)
    {
        Span<byte> field = stackalloc byte[sizeof(ulong)];
        if (RandomAccess.GetLength(handle) < field.Length)
            return;
        ReadAll(handle, file, 0, field);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(field);
        if (length > (ulong)_limits.HeaderBytes)
            throw new FormatError(LoadErrorKind.File, file, null, $"says that its header is {length} bytes long; {_limits.HeaderBytes} are read");
    }

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
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FormatError(LoadErrorKind.File, file, null, "cannot be read: " + error.Message, error);
        }
    }

    private sealed class Reader : AdapterReader
    {
        private readonly AdapterFolder _folder;
        private readonly FileStream _stream;
        private readonly PackageStamp _stamp;

        public Reader(
            AdapterFolder folder, string file, FileStream stream, PeftConfig config, byte[] configBytes, (long Length, DateTime Written) configState, PacedLoad? load)
        {
            File = file;
            _folder = folder;
            _stream = stream;
            (long length, DateTime written) = StateOf(stream.SafeFileHandle, file);
            _stamp = new PackageStamp(configState.Length, configState.Written, length, written);
            Config = config;
            (byte[] json, long fileLength) = SafetensorsHeader.ReadBytes(stream, file);
            using PacedWork? work = load?.WorkInPieces();
            Tensors = SafetensorsHeader.Parse(json, fileLength, file, work is null ? null : work.Pause).Tensors;
            Fingerprint = FingerprintOf(configBytes, Tensors, work);
        }

        public override string File { get; }

        public override PeftConfig Config { get; }

        public override ImmutableArray<TensorEntry> Tensors { get; }

        public override long Bytes => _stamp.TensorBytes;

        public override ReadOnlyMemory<byte> Fingerprint { get; }

        public override PackageStamp? Stamp => _stamp;

        public override void Read(TensorEntry tensor, long offset, Span<byte> destination) =>
            ReadAll(_stream.SafeFileHandle, File, tensor.Begin + offset, destination);

        public override void CheckUnchanged()
        {
            // The open file, and what lies in the folder now: one half from before a change and the other from after it would be an adapter that nobody made.
            if (StateOf(_stream.SafeFileHandle, File) != (_stamp.TensorBytes, _stamp.TensorsWritten) || _folder.Look() != _stamp)
                throw new FormatError(LoadErrorKind.File, File, null, "was changed while it was read");
        }

        public override void Dispose() => _stream.Dispose();
    }
}
