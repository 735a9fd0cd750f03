using System.Collections.Immutable;
using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;
using SLoRA.Formats;
using SLoRA.Native;

namespace SLoRA.Backends.Cpu.Images;

/// <summary>
/// An image whose every byte has been read and checked, in memory: mapped, so that processes share it, or read into memory of the
/// process's own.
/// </summary>
internal sealed unsafe class OpenImage : IDisposable
{
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly NativeBlock? _copy;
    private readonly byte* _data;

    private OpenImage(ImageHeader header, NativeBlock copy)
    {
        Header = header;
        _copy = copy;
        _data = Address(copy);
    }

    private OpenImage(ImageHeader header, FileStream stream)
    {
        Header = header;
        _file = MemoryMappedFile.CreateFromFile(
            stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _file.CreateViewAccessor(0, header.FileBytes, MemoryMappedFileAccess.Read);
        byte* address = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref address);
        _data = address + _view.PointerOffset + header.DataBegin;
        MappedMemory.Populate(_data, header.DataBytes);
    }

    /// <summary>What it says of itself.</summary>
    public ImageHeader Header { get; }

    /// <summary>Opens an image, and reads it through.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="library">The build that must have written it.</param>
    /// <param name="key">What it must be for.</param>
    /// <param name="access">Whether it is mapped, or read and closed.</param>
    /// <param name="run">Who reads.</param>
    /// <exception cref="ImageError">It cannot be used.</exception>
    /// <exception cref="MemoryException">The process cannot have the memory to read it into.</exception>
    public static OpenImage Open(string path, Guid library, ReadOnlySpan<byte> key, ModelAccess access, RunParts run)
    {
        try
        {
            using var stream = new FileStream(
                RegularFile.Open(path, share: FileShare.Read | FileShare.Delete), FileAccess.Read, bufferSize: 0);
            ImageHeader header = ImageHeader.Read(stream.SafeFileHandle, library, key);
            if (access == ModelAccess.Map)
            {
                // Through the file and not through the mapping, where what cannot be read would be the end of the process.
                Check(stream.SafeFileHandle, header, null, run);
                return new OpenImage(header, stream);
            }

            NativeBlock copy = Allocate(header.DataBytes);
            try
            {
                Check(stream.SafeFileHandle, header, Address(copy), run);
                return new OpenImage(header, copy);
            }
            catch
            {
                copy.Dispose();
                throw;
            }
        }
        catch (FileNotFoundException)
        {
            throw new ImageError(PackedImageProblem.Missing, "does not exist yet");
        }
        catch (Exception error) when (FileProblem.IsOne(error))
        {
            throw new ImageError(PackedImageProblem.Unreadable, FileProblem.Of(error));
        }
    }

    /// <summary>The first byte of a weight.</summary>
    public byte* Data(ImageSection section) => _data + section.Offset;

    /// <inheritdoc/>
    public void Dispose()
    {
        _copy?.Dispose();
        if (_view is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
        }

        _file?.Dispose();
    }

    /// <summary>Reads all data, to a place or through a buffer, and holds each piece against its checksum.</summary>
    private static void Check(SafeFileHandle file, ImageHeader header, byte* to, RunParts run)
    {
        ImmutableArray<ulong> checksums = header.Checksums;
        int parts = Math.Clamp(checksums.Length, 1, 64), failed = -1;
        Exception? problem = null;
        run(parts, part =>
        {
            byte[] buffer = to is null ? GC.AllocateUninitializedArray<byte>(ImageHeader.PieceBytes) : [];
            int end = (int)((long)checksums.Length * (part + 1) / parts);
            for (int piece = (int)((long)checksums.Length * part / parts); piece < end && Volatile.Read(ref failed) < 0; piece++)
            {
                long offset = (long)piece * ImageHeader.PieceBytes;
                int bytes = (int)Math.Min(ImageHeader.PieceBytes, header.DataBytes - offset);
                Span<byte> target = to is null ? buffer.AsSpan(0, bytes) : new Span<byte>(to + offset, bytes);
                try
                {
                    ReadExactly(file, target, header.DataBegin + offset);
                    if (Checksum.Of(target) != checksums[piece])
                    {
                        Volatile.Write(ref failed, piece);
                    }
                }
                catch (Exception error) when (FileProblem.IsOne(error))
                {
                    problem = error;
                    Volatile.Write(ref failed, piece);
                }
            }
        });
        if (problem is not null)
        {
            throw new ImageError(PackedImageProblem.Unreadable, FileProblem.Of(problem));
        }

        if (failed >= 0)
        {
            throw new ImageError(PackedImageProblem.Damaged, $"has other bytes than were written, in piece {failed} of {checksums.Length}");
        }
    }

    private static void ReadExactly(SafeFileHandle file, Span<byte> target, long offset)
    {
        while (!target.IsEmpty)
        {
            int bytes = RandomAccess.Read(file, target, offset);
            if (bytes == 0)
            {
                throw new EndOfStreamException();
            }

            target = target[bytes..];
            offset += bytes;
        }
    }

    private static NativeBlock Allocate(long bytes)
    {
        if (bytes > ProcessMemory.Limit)
        {
            throw MemoryUse.Weights.TooLarge(bytes, ProcessMemory.Limit);
        }

        try
        {
            return new NativeBlock(bytes);
        }
        catch (OutOfMemoryException exception)
        {
            throw MemoryUse.Weights.Refused(bytes, exception);
        }
    }

    private static byte* Address(NativeBlock block)
    {
        fixed (byte* first = block.Slice(0, 1))
        {
            // Outside the heap of the garbage collector, so it does not move.
            return first;
        }
    }
}
