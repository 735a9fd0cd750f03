using Microsoft.Win32.SafeHandles;
using SLoRA.Formats;
using SLoRA.Native;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// One file of an adapter. It is read, never mapped: a mapped file that its owner truncates would end the process. Errors call it by its
/// name alone.
/// </summary>
internal static class AdapterFile
{
    private const string LinkedFile = "is a symbolic link, which is not followed here";

    /// <summary>Opens a file that is neither empty nor too large.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">What errors call it.</param>
    /// <param name="largest">The most bytes it may have.</param>
    /// <param name="followsLinks">Whether it may be a symbolic link.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FormatError">It cannot be read.</exception>
    public static FileStream Open(string path, string name, long largest, bool followsLinks)
    {
        try
        {
            if (!followsLinks)
            {
                RefuseLink(path, name, LinkedFile);
            }

            var stream = new FileStream(RegularFile.Open(path, followsLinks), FileAccess.Read, bufferSize: 0);
            if (stream.Length > 0 && stream.Length <= largest)
            {
                return stream;
            }

            string problem = stream.Length == 0 ? "is empty" : $"has {stream.Length} bytes; files of more than {largest} are not read";
            stream.Dispose();
            throw new FormatError(LoadErrorKind.File, name, null, problem);
        }
        catch (Exception error) when (FileProblem.IsOne(error) && error is not (FileNotFoundException or DirectoryNotFoundException))
        {
            throw Unreadable(name, error);
        }
    }

    /// <summary>Length and time of a file, found through links that may be followed.</summary>
    /// <exception cref="FormatError">It cannot be looked at.</exception>
    public static (long Length, DateTime Written) StateOf(string path, string name, bool followsLinks)
    {
        try
        {
            var info = new FileInfo(path);
            if (!followsLinks)
            {
                RefuseLink(info.FullName, name, LinkedFile);
            }

            FileInfo target = info.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? info;
            return (target.Length, target.LastWriteTimeUtc);
        }
        catch (Exception error) when (FileProblem.IsOne(error))
        {
            throw Unreadable(name, error);
        }
    }

    /// <summary>Length and time of an open file.</summary>
    /// <exception cref="FormatError">It cannot be looked at.</exception>
    public static (long Length, DateTime Written) StateOf(SafeFileHandle handle, string name)
    {
        try
        {
            return (RandomAccess.GetLength(handle), File.GetLastWriteTimeUtc(handle));
        }
        catch (Exception error) when (FileProblem.IsOne(error))
        {
            throw Unreadable(name, error);
        }
    }

    /// <summary>Reads a part of an open file.</summary>
    /// <exception cref="FormatError">It cannot be read, or is shorter.</exception>
    public static void Read(SafeFileHandle handle, string name, long offset, Span<byte> destination)
    {
        try
        {
            while (!destination.IsEmpty)
            {
                int read = RandomAccess.Read(handle, destination, offset);
                if (read == 0)
                {
                    throw new FormatError(LoadErrorKind.File, name, null, "became shorter while it was read");
                }

                destination = destination[read..];
                offset += read;
            }
        }
        catch (Exception error) when (FileProblem.IsOne(error))
        {
            throw Unreadable(name, error);
        }
    }

    /// <summary>Refuses a symbolic link.</summary>
    /// <exception cref="FormatError">It is one.</exception>
    public static void RefuseLink(string path, string? name, string problem)
    {
        if (new FileInfo(path).LinkTarget is not null)
        {
            throw new FormatError(LoadErrorKind.File, name, null, problem);
        }
    }

    /// <summary>The error of a file that the system does not give.</summary>
    public static FormatError Unreadable(string name, Exception error) =>
        new(LoadErrorKind.File, name, null, FileProblem.Of(error), error);
}
