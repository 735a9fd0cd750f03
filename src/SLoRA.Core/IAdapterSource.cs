namespace SLoRA;

/// <summary>
/// Brings adapters that nobody registered, when a request first names them and whenever their content is needed again. Set by
/// <see cref="LoraServingEngineBuilder.UseAdapterSource"/>. Called from threads that read for the engine, for several names at the same time, for one name again only after the
/// earlier call has ended or its token was cancelled.
/// </summary>
public interface IAdapterSource
{
    /// <summary>Finds an adapter.</summary>
    /// <param name="name">The name that a request used; it may come from a stranger.</param>
    /// <param name="cancellationToken">Nobody waits for the answer any more.</param>
    /// <returns>Where it is; null when there is no such adapter.</returns>
    /// <exception cref="Exception">Whatever is thrown fails the requests that wait for this name, as <see cref="AdapterLoadException"/>, and no others.</exception>
    ValueTask<AdapterOrigin?> FindAsync(string name, CancellationToken cancellationToken);
}
