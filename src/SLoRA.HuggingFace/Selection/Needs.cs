namespace SLoRA.HuggingFace.Selection;

/// <summary>The files that a selection means in one revision, by their paths in the repository.</summary>
/// <param name="Required">Those without which nothing can be served, in ordinal order.</param>
/// <param name="Beside">
/// Small files beside them that belong to the model, as far as they are known; without them another model would be served.
/// </param>
internal sealed record Needs(IReadOnlyList<string> Required, IReadOnlyList<string> Beside)
{
    private const string ConfigFile = "config.json";
    private const string AdapterConfigFile = "adapter_config.json";
    private const string ModelStem = "model";
    private const string AdapterStem = "adapter_model";
    private const string MlxAdapterFile = "adapters.safetensors";
    private const string IndexFile = "model.safetensors.index.json";
    private static readonly string[] SmallFiles = [".json", ".jinja", ".model", ".txt"];

    /// <summary>Finds the files.</summary>
    /// <param name="files">The selection.</param>
    /// <param name="known">All paths that the revision is known to have: from its listing, or from the folder where there is none.</param>
    /// <param name="shardsOf">
    /// The files that an index names, by the path of the index; null while it is not there, or cannot be read.
    /// </param>
    public static Needs Of(HubFiles files, IReadOnlySet<string> known, Func<string, IReadOnlyList<string>?> shardsOf)
    {
        var required = new SortedSet<string>(files.NamedPaths, StringComparer.Ordinal);
        var beside = new SortedSet<string>(StringComparer.Ordinal);
        if (files.Kind == SelectionKind.Patterns)
        {
            required.UnionWith(known.Where(files.AsksFor));
        }
        else
        {
            bool isAdapter = IsAdapter(files, known);
            required.Add(files.PathOf(isAdapter ? AdapterConfigFile : ConfigFile));
            required.UnionWith(Weights(files, known, isAdapter, shardsOf));
            beside.UnionWith(known.Where(path => IsBeside(files, path) || files.AsksFor(path)));
            beside.ExceptWith(required);
        }

        return new Needs([.. required.Where(path => !files.LeavesOut(path))], [.. beside.Where(path => !files.LeavesOut(path))]);
    }

    /// <summary>The index that a revision has; null when it has none, or none is looked for.</summary>
    public static string? IndexOf(HubFiles files, IReadOnlySet<string> known)
    {
        string index = files.PathOf(IndexFile);
        bool isLookedFor = files.Kind != SelectionKind.Patterns && !IsAdapter(files, known) && !files.LeavesOut(index);
        return isLookedFor && known.Contains(index) ? index : null;
    }

    /// <summary>
    /// Whether a file lies where the selection does and is one of those that say what a model is: configuration, tokenizer, templates.
    /// </summary>
    public static bool IsBeside(HubFiles files, string path)
    {
        string start = files.PathOf("");
        if (!path.StartsWith(start, StringComparison.Ordinal))
        {
            return false;
        }

        string name = path[start.Length..];
        return name.Contains('/')
            ? name.StartsWith("additional_chat_templates/", StringComparison.Ordinal) && name.EndsWith(".jinja", StringComparison.Ordinal)
            : Array.Exists(SmallFiles, end => name.EndsWith(end, StringComparison.Ordinal))
                && !name.EndsWith(".bin.index.json", StringComparison.Ordinal);
    }

    private static bool IsAdapter(HubFiles files, IReadOnlySet<string> known) =>
        files.Kind == SelectionKind.Adapter
            || (!known.Contains(files.PathOf(ConfigFile)) && known.Contains(files.PathOf(AdapterConfigFile)));

    private static IEnumerable<string> Weights(
        HubFiles files, IReadOnlySet<string> known, bool isAdapter, Func<string, IReadOnlyList<string>?> shardsOf)
    {
        string stem = files.PathOf(isAdapter ? AdapterStem : ModelStem);
        var weights = new List<string>();
        if (IndexOf(files, known) is { } index)
        {
            weights.Add(index);
            if (shardsOf(index) is { } shards)
            {
                return weights.Concat(shards.Select(files.PathOf));
            }
        }

        IEnumerable<string> found = known.Where(path =>
            path.StartsWith(stem, StringComparison.Ordinal) && path.EndsWith(".safetensors", StringComparison.Ordinal)
            && path.IndexOf('/', stem.Length) < 0);
        weights.AddRange(found);
        string mlx = files.PathOf(MlxAdapterFile);
        return weights.Count > 0 ? weights : [isAdapter && known.Contains(mlx) ? mlx : stem + ".safetensors"];
    }
}
