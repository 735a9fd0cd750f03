namespace SLoRA.HuggingFace;

/// <summary>Where an adapter lies on the Hub.</summary>
/// <param name="Repository">The repository, <c>owner/name</c>.</param>
/// <param name="Revision">
/// A branch, a tag or a commit. A full commit is asked for once and then never again, and is the same adapter for ever; a branch may become
/// another one while an engine serves it, which <see cref="AdapterCacheOptions.ChangedContent"/> is about.
/// </param>
/// <param name="Subfolder">The folder of the repository in which it lies; empty for the repository's own.</param>
public sealed record HubAdapter(string Repository, string Revision = "main", string Subfolder = "");
