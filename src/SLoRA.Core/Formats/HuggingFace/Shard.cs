using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;
using SLoRA.Native;

namespace SLoRA.Formats.HuggingFace;

/// <summary>One tensor file of a checkpoint: open from the reading of its header on, mapped later.</summary>
internal sealed unsafe class Shard : IDisposable
{
    private const int BlockBytes = 4 << 20;

    private readonly FileStream _stream;
    private MemoryMappedFile? _file;
    private MemoryMappedViewAccessor? _view;
    private byte* _address;

    private Shard(string path, FileStream stream, SafetensorsHeader header)
    {
        Path = path;
        _stream = stream;
        Length = stream.Length;
        Header = header;
    }

    public string Path { get; }

    public long Length { get; }

    public SafetensorsHeader Header { get; }

    /// <summary>The address of the file's first byte, once it is mapped.</summary>
    public nint Address => _address != null ? (nint)_address : throw new InvalidOperationException($"{Path} is not mapped.");

    public static Shard Open(string path)
    {
        FileStream? stream = null;
        try
        {
            // Without a buffer: the header is read in two pieces and the rest goes past the stream.
            stream = new FileStream(RegularFile.Open(path, share: FileShare.Read), FileAccess.Read, bufferSize: 0);
            return new Shard(path, stream, SafetensorsHeader.Read(stream, path));
        }
        catch (Exception error)
        {
            stream?.Dispose();
            if (error is IOException or UnauthorizedAccessException or NotSupportedException)
                throw Unreadable(path, error);
            throw;
        }
    }

    /// <param name="read">Told the bytes of each block that has been read through.</param>
    /// <param name="cancellation">Looked at between blocks.</param>
    public void Map(Action<long> read, CancellationToken cancellation)
    {
        try
        {
            ReadThrough(_stream.SafeFileHandle, read, cancellation);
            _file = MemoryMappedFile.CreateFromFile(_stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            _view = _file.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
            byte* address = null;
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref address);
            _address = address + _view.PointerOffset;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(Path, error);
        }
    }

    public void Dispose()
    {
        if (_address != null)
        {
            _address = null;
            _view!.SafeMemoryMappedViewHandle.ReleasePointer();
        }

        _view?.Dispose();
        _file?.Dispose();
        _stream.Dispose();
    }

    // An unreadable sector is an error here; later, under the mapping, it would be the end of the process.
    private void ReadThrough(SafeFileHandle handle, Action<long> read, CancellationToken cancellation)
    {
        byte[] block = GC.AllocateUninitializedArray<byte>((int)Math.Min(BlockBytes, Length));
        for (long offset = 0; offset < Length;)
        {
            cancellation.ThrowIfCancellationRequested();
            int bytes = RandomAccess.Read(handle, block, offset);
            if (bytes == 0)
                throw new FormatError(LoadErrorKind.File, Path, null, $"became shorter while it was read: {offset} bytes of {Length}");
            offset += bytes;
            read(bytes);
        }
    }

    private static FormatError Unreadable(string path, Exception error) => new(LoadErrorKind.File, path, null, "cannot be read: " + error.Message, error);
}
