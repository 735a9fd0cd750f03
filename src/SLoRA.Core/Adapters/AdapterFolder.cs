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
    public override AdapterReader Open()
    {
        if (!Directory.Exists(_path))
        {
            string problem = System.IO.File.Exists(_path) ? "is a file, expected the folder of an adapter" : "does not exist";
            throw new FormatError(LoadErrorKind.File, _path, null, problem);
        }

        byte[] config = ReadConfig(Path.Combine(_path, ConfigFile));
        PeftConfig checkedConfig = PeftConfigReader.Read(ConfigDocument.Parse(config, Path.Combine(_path, ConfigFile)));

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
            return new Reader(file, stream, checkedConfig, config);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private byte[] ReadConfig(string file)
    {
        using FileStream stream = OpenFile(file, _limits.ConfigBytes);
        byte[] bytes = new byte[stream.Length];
        ReadAll(stream.SafeFileHandle, file, 0, bytes);
        return bytes;
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
        private readonly FileStream _stream;
        private readonly (long Length, DateTime Written) _state;

        public Reader(string file, FileStream stream, PeftConfig config, byte[] configBytes)
        {
            File = file;
            _stream = stream;
            _state = State();
            Config = config;
            Tensors = SafetensorsHeader.Read(stream, file).Tensors;
            Fingerprint = FingerprintOf(configBytes, Tensors);
        }

        public override string File { get; }

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
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new FormatError(LoadErrorKind.File, File, null, "cannot be read: " + error.Message, error);
            }
        }
    }
}
