namespace SLoRA.HuggingFace.Cache;

/// <summary>
/// The lock under which one process fetches a blob while others wait, so that it is fetched once. It is a lock of the system on an empty
/// file that stays: the same that the Hub's Python client takes. It saves bytes; that they are right rests on their hash.
/// </summary>
internal sealed class BlobLock : IDisposable
{
    private const UnixFileMode Mode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead;

    // EWOULDBLOCK of Linux and of macOS; sharing and lock violations of Windows.
    private static readonly int[] HeldByAnother = [11, 35, unchecked((int)0x80070020), unchecked((int)0x80070021)];

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly FileStream _file;

    private BlobLock(FileStream file, bool isReal)
    {
        _file = file;
        IsReal = isReal;
    }

    /// <summary>Whether the lock keeps others out; false where the file system has none.</summary>
    public bool IsReal { get; }

    /// <summary>Waits until nobody else has the lock, and takes it.</summary>
    /// <param name="path">The lock's file; it is made with its folders.</param>
    /// <param name="clock">Measures the pauses between looks.</param>
    /// <param name="waits">Told once when somebody else has it.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public static async Task<BlobLock> TakeAsync(string path, TimeProvider clock, Action waits, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        for (bool isFirst = true; ; isFirst = false)
        {
            cancellation.ThrowIfCancellationRequested();
            if (TryOpen(path) is { } file)
            {
                return new BlobLock(file, IsExclusive(path));
            }

            if (isFirst)
            {
                waits();
            }

            await Task.Delay(Pause, clock, cancellation).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static bool IsExclusive(string path)
    {
        using FileStream? second = TryOpen(path);
        return second is null;
    }

    /// <summary>Null when somebody else has the lock.</summary>
    private static FileStream? TryOpen(string path)
    {
        if (new FileInfo(path).LinkTarget is not null)
        {
            throw new IOException("the lock's file is a symbolic link");
        }

        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                BufferSize = 0,
            };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = Mode;
            }

            return new FileStream(path, options);
        }
        catch (IOException error) when (Array.IndexOf(HeldByAnother, error.HResult) >= 0)
        {
            return null;
        }
    }
}
