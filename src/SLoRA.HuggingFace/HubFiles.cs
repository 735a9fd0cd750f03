using SLoRA.HuggingFace.Names;
using SLoRA.HuggingFace.Selection;

namespace SLoRA.HuggingFace;

/// <summary>
/// Which files of a repository are wanted: the same answer for what has to be in the cache and for what is downloaded. Immutable. Pickles
/// are never among them, whatever asks for them: they run code when they are read.
/// </summary>
public sealed class HubFiles
{
    private static readonly string[] Pickles =
        [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".dill", ".joblib", ".npy", ".npz", ".mar", ".nemo", ".h5", ".keras"];

    private readonly Glob[] _with;
    private readonly Glob[] _without;

    private HubFiles(SelectionKind kind, string subfolder, Glob[] with, Glob[] without)
    {
        Kind = kind;
        Subfolder = subfolder;
        _with = with;
        _without = without;
    }

    /// <summary>
    /// What an engine and a tokenizer read, the default. A model has <c>config.json</c> and its weights: the shards that
    /// <c>model.safetensors.index.json</c> names, or else every <c>model*.safetensors</c>. A folder with <c>adapter_config.json</c> and no
    /// <c>config.json</c> is an adapter, as <see cref="Adapter"/> says. Beside them come the folder's small files, <c>*.json</c>,
    /// <c>*.jinja</c>, <c>*.model</c> and <c>*.txt</c>, and templates in <c>additional_chat_templates</c>. The same weights in other
    /// formats, and other folders, stay where they are.
    /// </summary>
    public static HubFiles Model { get; } = new(SelectionKind.Served, "", [], []);

    /// <summary>
    /// An adapter, even beside a <c>config.json</c>: <c>adapter_config.json</c>, every <c>adapter_model*.safetensors</c>, or else MLX's
    /// <c>adapters.safetensors</c>, and the folder's small files.
    /// </summary>
    public static HubFiles Adapter { get; } = new(SelectionKind.Adapter, "", [], []);

    /// <summary>The folder of the repository in which the files lie, without slashes at its ends; empty for the repository's own.</summary>
    public string Subfolder { get; }

    internal SelectionKind Kind { get; }

    /// <summary>Nothing but the files that match a pattern, in any folder.</summary>
    /// <param name="patterns">
    /// Paths from <see cref="Subfolder"/> on, in the letters in which they are stored: <c>*</c> and <c>?</c> stand for what is within a
    /// name, <c>**</c> for any number of folders. What is a path without either must be there.
    /// </param>
    /// <exception cref="HubException">A pattern is none.</exception>
    public static HubFiles Matching(params string[] patterns)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        return new(SelectionKind.Patterns, "", Globs(patterns), []);
    }

    /// <summary>The same files in a folder of the repository, such as one of many adapters.</summary>
    /// <param name="subfolder">The folder's path in the repository; empty for the repository's own.</param>
    /// <exception cref="HubException">It is none.</exception>
    public HubFiles In(string subfolder)
    {
        ArgumentNullException.ThrowIfNull(subfolder);
        if (subfolder.Length > 0)
        {
            FilePath.Check(subfolder, "folder");
        }

        return new(Kind, subfolder, _with, _without);
    }

    /// <summary>These files, and those that match a pattern.</summary>
    /// <param name="patterns">As for <see cref="Matching"/>.</param>
    /// <exception cref="HubException">A pattern is none.</exception>
    public HubFiles With(params string[] patterns)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        return new(Kind, Subfolder, [.. _with, .. Globs(patterns)], _without);
    }

    /// <summary>These files but those that match a pattern.</summary>
    /// <param name="patterns">As for <see cref="Matching"/>.</param>
    /// <exception cref="HubException">A pattern is none.</exception>
    public HubFiles Without(params string[] patterns)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        return new(Kind, Subfolder, _with, [.. _without, .. Globs(patterns)]);
    }

    /// <summary>Whether a file runs code when the program that it was made for reads it.</summary>
    internal static bool IsPickle(string path) => Array.Exists(Pickles, end => path.EndsWith(end, StringComparison.OrdinalIgnoreCase));

    /// <summary>The path in the repository of a file of the folder.</summary>
    internal string PathOf(string name) => Subfolder.Length == 0 ? name : $"{Subfolder}/{name}";

    /// <summary>Whether a file was asked for by a pattern.</summary>
    internal bool AsksFor(string path) => Matches(_with, path);

    /// <summary>Paths that were asked for one by one.</summary>
    internal IEnumerable<string> NamedPaths => _with.Where(glob => glob.IsPath).Select(glob => PathOf(glob.Pattern));

    /// <summary>Whether a file is left out.</summary>
    internal bool LeavesOut(string path) => IsPickle(path) || Matches(_without, path);

    private static Glob[] Globs(string[] patterns) => [.. patterns.Select(Parse)];

    private static Glob Parse(string pattern)
    {
        var glob = new Glob(pattern);
        return glob.IsPath && IsPickle(pattern) ? throw UnsafeFile.Pickle(pattern) : glob;
    }

    private bool Matches(Glob[] globs, string path)
    {
        string start = PathOf("");
        return path.StartsWith(start, StringComparison.Ordinal) && Array.Exists(globs, glob => glob.Matches(path[start.Length..]));
    }
}
