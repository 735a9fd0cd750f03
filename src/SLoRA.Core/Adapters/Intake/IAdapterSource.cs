namespace SLoRA;

/// <summary>
/// Brings adapters that nobody registered, when a request first names them and whenever their content is needed again. Set by
/// <see cref="LoraServingEngineBuilder.UseAdapterSource"/>. Called from threads that read for the engine, for several names at the same
/// time, for one name again only after the earlier call has ended or its token was cancelled, unless
/// <see cref="AdapterCollection.RefreshAsync"/> asks. What it brings for a name must stay the same for as long as the engine knows the
/// name: <see cref="AdapterCacheOptions.ChangedContent"/> says what happens otherwise, <see cref="AdapterCollection.RefreshAsync"/> accepts
/// a change.
/// </summary>
public interface IAdapterSource
{
    /// <summary>Finds an adapter.</summary>
    /// <param name="name">The name that a request used; it may come from a stranger.</param>
    /// <param name="cancellationToken">Nobody waits for the answer any more.</param>
    /// <returns>Where it is; null when there is no such adapter.</returns>
    /// <exception cref="Exception">Whatever is thrown fails the requests that wait for this name, as <see cref="AdapterLoadException"/>,
    /// and no others.</exception>
    ValueTask<AdapterOrigin?> FindAsync(string name, CancellationToken cancellationToken);
}
