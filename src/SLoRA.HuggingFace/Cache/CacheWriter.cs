using System.Security.Cryptography;
using System.Text;
using SLoRA.HuggingFace.Names;

namespace SLoRA.HuggingFace.Cache;

/// <summary>
/// Puts names into the cache: each appears at once with all that it stands for, or not at all. Throws <see cref="IOException"/> or
/// <see cref="UnauthorizedAccessException"/> where the disk does not let it.
/// </summary>
internal sealed class CacheWriter(CacheLayout layout, bool usesLinks)
{
    private const string TagFile = "CACHEDIR.TAG";
    private const string Tag =
        "Signature: 8a477f597d28d172789f06886806bc55\n# This file is a cache directory tag created by huggingface_hub.\n"
        + "# For information about cache directory tags, see:\n#\thttps://bford.info/cachedir/\n";

    private readonly Lazy<bool> _hasLinks = new(() => usesLinks && CanLink(layout.Cache));

    /// <summary>Whether files are linked; else each commit has its own.</summary>
    public bool HasLinks => _hasLinks.Value;

    /// <summary>Where a partial file of a blob lies.</summary>
    public string Partial(BlobId id, bool isShared) =>
        layout.Blob(id) + (isShared ? "" : "." + RandomName()) + ".slora.incomplete";

    /// <summary>Bytes that an earlier run has left of a blob, as far as its file shows.</summary>
    public long PartialBytes(BlobId id) => RealPath.FileSize(Partial(id, isShared: true)) ?? 0;

    /// <summary>Whether a file of a commit is there already.</summary>
    public bool Has(string commit, RepositoryFile file)
    {
        string entry = layout.Entry(commit, file.Path);

        // The name that a link leads to says whose bytes they are; a file has only its length to say it.
        bool isIts = new FileInfo(entry).LinkTarget is not { } target || Path.GetFileName(target) == file.Blob.Value;
        return isIts && RealPath.FileSize(entry) == file.Size;
    }

    /// <summary>Whether the bytes of a file are there, so that only its name is missing.</summary>
    public bool HasBlob(RepositoryFile file) => RealPath.FileSize(layout.Blob(file.Blob)) == file.Size;

    /// <summary>Where the bytes of a file belong when they have arrived.</summary>
    public string PlaceOf(string commit, RepositoryFile file)
    {
        string place = HasLinks ? layout.Blob(file.Blob) : layout.Entry(commit, file.Path);
        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        return place;
    }

    /// <summary>Gives bytes that are there the name that they have in a commit.</summary>
    public void Enter(string commit, RepositoryFile file)
    {
        string entry = layout.Entry(commit, file.Path);
        Directory.CreateDirectory(Path.GetDirectoryName(entry)!);
        if (HasLinks)
        {
            string up = string.Concat(Enumerable.Repeat("../", file.Path.Count(c => c == '/') + 2));
            string target = (up + "blobs/" + file.Blob.Value).Replace('/', Path.DirectorySeparatorChar);
            Replace(entry, temporary => File.CreateSymbolicLink(temporary, target));
        }
        else
        {
            Replace(entry, temporary => File.Copy(RealPath.Of(layout.Blob(file.Blob))!, temporary));
        }
    }

    /// <summary>Notes which commit a name means. A full commit means itself.</summary>
    public void Refer(Revision revision, string commit)
    {
        if (!revision.IsCommit && SnapshotReader.CommitOf(layout, revision) != commit)
        {
            Write(layout.Reference(revision), Encoding.ASCII.GetBytes(commit));
        }
    }

    /// <summary>Keeps the listing of a commit.</summary>
    public void List(string commit, IEnumerable<RepositoryFile> files) => Write(layout.Tree(commit), TreeFile.Write(files));

    /// <summary>Notes that a commit has no such file.</summary>
    public void NoteAbsence(string commit, string path)
    {
        string mark = layout.NoSuchFile(commit, path);
        Directory.CreateDirectory(Path.GetDirectoryName(mark)!);
        File.Open(mark, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite).Dispose();
    }

    /// <summary>Marks the folder as a cache, so that backups leave it out.</summary>
    public void MarkCache()
    {
        string tag = Path.Combine(layout.Cache, TagFile);
        Directory.CreateDirectory(layout.Cache);
        if (!File.Exists(tag))
        {
            Write(tag, Encoding.ASCII.GetBytes(Tag));
        }
    }

    private static string RandomName() => RandomNumberGenerator.GetHexString(8, lowercase: true);

    private static void Write(string path, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        Replace(path, temporary => File.WriteAllBytes(temporary, bytes));
    }

    /// <summary>Makes something under a name that nobody knows, and gives it its own.</summary>
    private static void Replace(string path, Action<string> make)
    {
        // Not longer than names can be, whatever the name is.
        string temporary = Path.Combine(Path.GetDirectoryName(path)!, $".{RandomName()}.tmp");
        try
        {
            make(temporary);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static bool CanLink(string folder)
    {
        Directory.CreateDirectory(folder);
        string probe = Path.Combine(folder, $".{RandomName()}.tmp");
        try
        {
            File.CreateSymbolicLink(probe, TagFile);
            File.Delete(probe);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            return false;
        }
    }
}
