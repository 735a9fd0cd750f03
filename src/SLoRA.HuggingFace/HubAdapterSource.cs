namespace SLoRA.HuggingFace;

/// <summary>
/// Brings adapters from the Hub when a request first names them: for <see cref="LoraServingEngineBuilder.UseAdapterSource"/>. Which name is
/// which repository is for the program to say: names come from strangers, who must not choose what is downloaded.
/// </summary>
/// <param name="client">Downloads them. It is not disposed.</param>
/// <param name="find">Says where the adapter of a name lies; null when there is no such adapter. Called from several threads.</param>
public sealed class HubAdapterSource(HubClient client, Func<string, HubAdapter?> find) : IAdapterSource
{
    private readonly HubClient _client = client ?? throw new ArgumentNullException(nameof(client));
    private readonly Func<string, HubAdapter?> _find = find ?? throw new ArgumentNullException(nameof(find));

    /// <summary>Finds the adapter of a name, in the cache or on the Hub.</summary>
    /// <exception cref="HubException">It is named, and cannot be had.</exception>
    /// <inheritdoc/>
    public async ValueTask<AdapterOrigin?> FindAsync(string name, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (_find(name) is not { } adapter)
        {
            return null;
        }

        HubFiles files = HubFiles.Adapter.In(adapter.Subfolder);
        string folder =
            await _client.DownloadAsync(adapter.Repository, adapter.Revision, files, null, cancellationToken).ConfigureAwait(false);
        return AdapterOrigin.FromFolder(folder);
    }
}
