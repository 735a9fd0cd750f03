using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace SLoRA.HuggingFace.Transfer;

/// <summary>
/// A file that is arriving, under a name of our own, and a journal beside it of the bytes that are there. What the journal says is believed
/// only until the hash has been compared; so it may be behind the file, or ahead of it after a fault, and costs nothing but time then.
/// Writing is thread-safe.
/// </summary>
internal sealed class PartialFile : IDisposable
{
    private readonly Lock _journalTurn = new();
    private readonly ByteRanges _noted = new();
    private readonly string _path;
    private readonly string _journalPath;
    private readonly SafeFileHandle _file;
    private readonly FileStream _journal;
    private bool _keeps;
    private bool _hasMoved;

    private PartialFile(string path, long size, bool keeps)
    {
        _path = path;
        _journalPath = path + ".parts";
        _keeps = keeps;
        Size = size;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        bool isNew = !File.Exists(path);
        _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, FileOptions.Asynchronous);
        try
        {
            // A journal without its file, or of a file that is longer than this one can be, is about something else.
            long length = RandomAccess.GetLength(_file);
            _journal = new FileStream(_journalPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 1);
            if (isNew || length > size)
            {
                StartAnew();
            }
            else
            {
                ReadJournal(Math.Min(length, size));
            }
        }
        catch
        {
            _journal?.Dispose();
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The bytes of the whole file.</summary>
    public long Size { get; }

    /// <summary>Bytes that the journal says are there.</summary>
    public long Arrived
    {
        get
        {
            lock (_journalTurn)
            {
                return _noted.Total;
            }
        }
    }

    /// <summary>The open file, for reading it again.</summary>
    public SafeFileHandle Handle => _file;

    /// <summary>Opens what an earlier run has left, or begins.</summary>
    /// <param name="path">The file.</param>
    /// <param name="size">The bytes of the whole file.</param>
    /// <param name="keeps">Whether what has arrived stays for the next run when this one fails.</param>
    public static PartialFile Open(string path, long size, bool keeps) => new(path, size, keeps);

    /// <summary>What is missing, in pieces no longer than a part.</summary>
    public List<ByteRange> Missing(long part)
    {
        lock (_journalTurn)
        {
            return [.. _noted.Missing(Size, part)];
        }
    }

    /// <summary>Writes bytes at their place.</summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, long offset, CancellationToken cancellation) =>
        RandomAccess.WriteAsync(_file, bytes, offset, cancellation);

    /// <summary>Notes that bytes are there.</summary>
    public void Note(ByteRange range)
    {
        if (range.Length <= 0)
        {
            return;
        }

        lock (_journalTurn)
        {
            _noted.Add(range);
            string line = string.Create(CultureInfo.InvariantCulture, $"{range.Start} {range.End}\n");
            _journal.Write(Encoding.ASCII.GetBytes(line));
        }
    }

    /// <summary>Forgets all that has arrived.</summary>
    public void StartAnew()
    {
        lock (_journalTurn)
        {
            _noted.Clear();
            _journal.SetLength(0);
            RandomAccess.SetLength(_file, 0);
        }
    }

    /// <summary>Gives the file, which is whole, its name. What had that name is replaced.</summary>
    public void MoveTo(string path)
    {
        // Else a loss of power could leave the name without the bytes.
        RandomAccess.FlushToDisk(_file);
        Close();
        File.Move(_path, path, overwrite: true);
        _hasMoved = true;
        File.Delete(_journalPath);
    }

    /// <summary>Deletes the file when it is closed.</summary>
    public void Discard() => _keeps = false;

    /// <summary>Closes the file. What has arrived stays for the next run, if anything has.</summary>
    public void Dispose()
    {
        Close();
        if (!_hasMoved && (!_keeps || Arrived == 0))
        {
            File.Delete(_path);
            File.Delete(_journalPath);
        }
    }

    private void Close()
    {
        _journal.Dispose();
        _file.Dispose();
    }

    private void ReadJournal(long length)
    {
        using var reader = new StreamReader(_journal, Encoding.ASCII, leaveOpen: true);
        string text = reader.ReadToEnd();

        // The last line may be torn.
        int whole = text.LastIndexOf('\n') + 1;
        foreach (string line in text[..whole].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] bounds = line.Split(' ');
            if (bounds.Length == 2 && long.TryParse(bounds[0], NumberStyles.None, CultureInfo.InvariantCulture, out long start)
                && long.TryParse(bounds[1], NumberStyles.None, CultureInfo.InvariantCulture, out long end))
            {
                _noted.Add(new ByteRange(start, Math.Min(end, length)));
            }
        }

        _journal.SetLength(whole);
        _journal.Seek(0, SeekOrigin.End);
    }
}
