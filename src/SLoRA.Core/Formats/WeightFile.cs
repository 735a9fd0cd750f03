using System.Collections.Immutable;
using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;
using SLoRA.Native;

namespace SLoRA.Formats;

/// <summary>
/// One file with weights of a base model: open from the reading of its header on, until it is mapped and disposed, or read and released.
/// </summary>
internal sealed unsafe class WeightFile : IDisposable
{
    private const int BlockBytes = 4 << 20;
    private const int LeastLeft = 64 << 10;

    private FileStream? _stream;
    private MemoryMappedFile? _file;
    private MemoryMappedViewAccessor? _view;
    private byte* _address;

    private WeightFile(string path, FileStream stream)
    {
        Path = path;
        _stream = stream;
        HeaderBytes = stream.Position;
        (Length, Written) = StateOf(stream);
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>When it was written last, as the system says.</summary>
    public DateTime Written { get; }

    /// <summary>What was read for its header: all of the header, perhaps with some bytes behind it.</summary>
    public long HeaderBytes { get; }

    /// <summary>The address of the file's first byte, once it is mapped.</summary>
    public nint Address => _address != null ? (nint)_address : throw new InvalidOperationException($"{Path} is not mapped.");

    /// <summary>Opens a file and reads its header.</summary>
    /// <param name="path">The file.</param>
    /// <param name="readHeader">Reads it from a stream that stands at its start.</param>
    /// <param name="header">What it says.</param>
    /// <exception cref="FormatError">It cannot be read, or its header is wrong.</exception>
    public static WeightFile Open<T>(string path, Func<FileStream, T> readHeader, out T header)
    {
        FileStream? stream = null;
        try
        {
            stream = OpenFile(path);
            header = readHeader(stream);
            return new WeightFile(path, stream);
        }
        catch (Exception error)
        {
            stream?.Dispose();
            if (FileProblem.IsOne(error))
            {
                throw Unreadable(path, error);
            }

            throw;
        }
    }

    /// <summary>
    /// Reads every file through once, which brings it into the system's cache and finds what cannot be read, and maps it.
    /// </summary>
    /// <param name="files">The files.</param>
    /// <param name="progress">Told how much has been read.</param>
    /// <param name="cancellation">Looked at between blocks of a few megabytes.</param>
    /// <exception cref="FormatError">A file cannot be read, or is shorter than when its header was read.</exception>
    public static void MapAll(ImmutableArray<WeightFile> files, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        long total = files.Sum(file => file.Length), done = 0;
        progress?.Report(new LoadProgress("weights", 0, total));
        foreach (WeightFile file in files)
        {
            file.Map(bytes => progress?.Report(new LoadProgress("weights", done += bytes, total)), cancellation);
        }
    }

    /// <param name="read">Told the bytes of each block that has been read through.</param>
    /// <param name="cancellation">Looked at between blocks.</param>
    private void Map(Action<long> read, CancellationToken cancellation)
    {
        try
        {
            ReadThrough(_stream!.SafeFileHandle, read, cancellation);
            _file = MemoryMappedFile.CreateFromFile(
                _stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            _view = _file.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
            byte* address = null;
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref address);
            _address = address + _view.PointerOffset;
        }
        catch (Exception error) when (FileProblem.IsOne(error))
        {
            throw Unreadable(Path, error);
        }
    }

    /// <summary>
    /// Copies a part of the file, out of the mapping if there is one. Where the file has been released, it is opened for the call. Any
    /// thread.
    /// </summary>
    /// <exception cref="FormatError">It cannot be read, or is no longer the file that was opened.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        if (_address != null)
        {
            new ReadOnlySpan<byte>(_address + offset, destination.Length).CopyTo(destination);
            Leave(offset, destination.Length);
            return;
        }

        try
        {
            FileStream? open = _stream;
            using FileStream? again = open is null ? OpenFile(Path) : null;
            if (again is not null && StateOf(again) != (Length, Written))
            {
                throw new FormatError(LoadErrorKind.File, Path, null, "was changed since the model was loaded from it");
            }

            for (SafeFileHandle handle = (open ?? again)!.SafeFileHandle; !destination.IsEmpty;)
            {
                int bytes = ReadSome(handle, destination, offset);
                destination = destination[bytes..];
                offset += bytes;
            }
        }
        catch (Exception error) when (FileProblem.IsOne(error))
        {
            throw Unreadable(Path, error);
        }
    }

    /// <summary>
    /// What was read of a mapped file is not needed there again soon: it counts as memory of this process no longer. Of few bytes nothing
    /// is done.
    /// </summary>
    public void Leave(long offset, long bytes)
    {
        if (_address != null && bytes >= LeastLeft)
        {
            MappedMemory.Leave(_address + offset, bytes);
        }
    }

    /// <summary>Closes a file that is not mapped. It can be read again, as long as it stays what it is.</summary>
    public void Release()
    {
        if (_address == null)
        {
            _stream?.Dispose();
            _stream = null;
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
        _stream?.Dispose();
    }

    // Without a buffer: the header is read in two pieces and the rest goes past the stream.
    private static FileStream OpenFile(string path) => new(RegularFile.Open(path, share: FileShare.Read), FileAccess.Read, bufferSize: 0);

    private static (long Length, DateTime Written) StateOf(FileStream stream) =>
        (stream.Length, File.GetLastWriteTimeUtc(stream.SafeFileHandle));

    // An unreadable sector is an error here; later, under the mapping, it would be the end of the process.
    private void ReadThrough(SafeFileHandle handle, Action<long> read, CancellationToken cancellation)
    {
        byte[] block = GC.AllocateUninitializedArray<byte>((int)Math.Min(BlockBytes, Length));
        for (long offset = 0; offset < Length;)
        {
            cancellation.ThrowIfCancellationRequested();
            int bytes = ReadSome(handle, block, offset);
            offset += bytes;
            read(bytes);
        }
    }

    private int ReadSome(SafeFileHandle handle, Span<byte> destination, long offset)
    {
        int bytes = RandomAccess.Read(handle, destination, offset);
        return bytes > 0
            ? bytes
            : throw new FormatError(LoadErrorKind.File, Path, null, $"became shorter while it was read: {offset} bytes of {Length}");
    }

    private static FormatError Unreadable(string path, Exception error) =>
        new(LoadErrorKind.File, path, null, FileProblem.Of(error), error);
}
