using SLoRA.HuggingFace.Cache;
using SLoRA.HuggingFace.Names;

namespace SLoRA.HuggingFace;

/// <summary>
/// Finds models and adapters that are already on this machine: in the cache that the tools of the Hugging Face Hub share. Reads only, and
/// never uses the network.
/// </summary>
/// <example><code>builder.UseModel(HubCache.Find("HuggingFaceTB/SmolLM2-135M-Instruct"))</code></example>
public static class HubCache
{
    /// <summary>
    /// The folder of the cache: <c>HF_HUB_CACHE</c>, else <c>HUGGINGFACE_HUB_CACHE</c>, else <c>hub</c> in <c>HF_HOME</c>, which is
    /// <c>huggingface</c> in <c>XDG_CACHE_HOME</c> or <c>~/.cache</c>.
    /// </summary>
    public static string Folder => HubEnvironment.Current.Cache;

    /// <summary>The folder of a model or adapter, for <c>UseModel</c>, <c>AddAdapter</c> or <c>ModelTokenizer.Load</c>.</summary>
    /// <param name="repository">The repository, <c>owner/name</c>.</param>
    /// <param name="revision">A branch, a tag or a commit, by the name that was used when it was downloaded.</param>
    /// <param name="files">
    /// Which files have to be there; null for <see cref="HubFiles.Model"/>. Its subfolder is the folder that is returned.
    /// </param>
    /// <param name="cache">The cache; null for <see cref="Folder"/>.</param>
    /// <exception cref="HubException">
    /// A name is none, or something is missing; <see cref="HubException.Kind"/> tells which, <see cref="HubException.Files"/> what.
    /// </exception>
    public static string Find(string repository, string revision = "main", HubFiles? files = null, string? cache = null)
    {
        HubSnapshot snapshot = Look(repository, revision, files, cache);
        return snapshot.IsComplete ? snapshot.Folder! : throw SnapshotReader.Error(snapshot);
    }

    /// <summary>What the cache has of a revision, complete or not.</summary>
    /// <inheritdoc cref="Find" path="/param"/>
    /// <exception cref="HubException">A name is none. What is missing is no error here.</exception>
    public static HubSnapshot Look(string repository, string revision = "main", HubFiles? files = null, string? cache = null)
    {
        var layout = new CacheLayout(Path.GetFullPath(cache ?? Folder), RepositoryId.Parse(repository));
        return SnapshotReader.Look(layout, Revision.Parse(revision), files ?? HubFiles.Model);
    }
}
