using Microsoft.Extensions.Logging;
using SLoRA.Adapters;
using SLoRA.Diagnostics;
using SLoRA.Engine;

namespace SLoRA;

/// <summary>
/// The adapters of an engine, by name. Registering reads configuration and headers (milliseconds) and reports what the adapter covers; the content is
/// read and checked at the first use, or at once with <see cref="AdapterValidation.Content"/>. Changes take effect between two steps, in the order in
/// which they and the requests arrive: a request that was handed in before a replacement or removal ends on the content it began with. Thread-safe.
/// </summary>
public sealed class AdapterCollection
{
    private readonly EngineLoop _loop;
    private readonly AdapterLoader _loader;
    private readonly ILogger _logger;

    internal AdapterCollection(EngineLoop loop, AdapterLoader loader, ILogger logger)
    {
        _loop = loop;
        _loader = loader;
        _logger = logger;
    }

    /// <summary>Registered names.</summary>
    public int Count => _loop.Names.Current.Count;

    /// <summary>Whether a name is registered.</summary>
    public bool Contains(string name) => _loop.Names.Current.ContainsKey(name);

    /// <summary>What is registered, in no particular order.</summary>
    public IReadOnlyList<AdapterStatus> List() => [.. _loop.Names.Current.Values.Select(AdapterStatus.Of)];

    /// <summary>Registers a PEFT folder under a new name.</summary>
    /// <param name="name">The name that requests will use; compared ordinally.</param>
    /// <param name="folder">Holds <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</param>
    /// <param name="validation">Whether the content is read and checked now or at the first use.</param>
    /// <param name="cancellationToken">Stops before the name is taken.</param>
    /// <returns>What the adapter covers.</returns>
    /// <exception cref="AdapterLoadException">The folder cannot be served; nothing has changed.</exception>
    /// <exception cref="AdapterExistsException">The name is taken.</exception>
    public Task<AdapterCoverage> RegisterAsync(
        string name, string folder, AdapterValidation validation = AdapterValidation.Headers, CancellationToken cancellationToken = default) =>
        ChangeAsync(FolderPackage(name, folder), validation, replace: false, cancellationToken);

    /// <summary>Registers tensors that the host program hands in under a new name. They are copied, and checked at once.</summary>
    /// <param name="name">The name that requests will use; compared ordinally.</param>
    /// <param name="tensors">Configuration and tensors, named as PEFT names them.</param>
    /// <param name="cancellationToken">Stops before the name is taken.</param>
    /// <returns>What the adapter covers.</returns>
    /// <exception cref="AdapterLoadException">The tensors cannot be served; nothing has changed.</exception>
    /// <exception cref="AdapterExistsException">The name is taken.</exception>
    public Task<AdapterCoverage> RegisterTensorsAsync(string name, AdapterTensors tensors, CancellationToken cancellationToken = default) =>
        ChangeAsync(TensorPackage(name, tensors), AdapterValidation.Content, replace: false, cancellationToken);

    /// <summary>Registers a PEFT folder under a name, whether it is taken or not. Requests that were handed in before go on with the old content.</summary>
    /// <inheritdoc cref="RegisterAsync"/>
    public Task<AdapterCoverage> ReplaceAsync(
        string name, string folder, AdapterValidation validation = AdapterValidation.Content, CancellationToken cancellationToken = default) =>
        ChangeAsync(FolderPackage(name, folder), validation, replace: true, cancellationToken);

    /// <summary>Registers tensors under a name, whether it is taken or not. Requests that were handed in before go on with the old content.</summary>
    /// <inheritdoc cref="RegisterTensorsAsync"/>
    public Task<AdapterCoverage> ReplaceTensorsAsync(string name, AdapterTensors tensors, CancellationToken cancellationToken = default) =>
        ChangeAsync(TensorPackage(name, tensors), AdapterValidation.Content, replace: true, cancellationToken);

    /// <summary>Removes a name. Requests that were handed in before go on; new ones fail. Memory is returned when the last of them has ended.</summary>
    /// <returns>False when the name was not registered.</returns>
    public async Task<bool> UnregisterAsync(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        bool removed = await CallAsync(loop => loop.Names.Unregister(name)).ConfigureAwait(false);
        if (removed)
        {
            Log.Unregistered(_logger, name);
        }

        return removed;
    }

    private static AdapterPackage FolderPackage(string name, string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return new AdapterFolder(name, folder);
    }

    private static AdapterPackage TensorPackage(string name, AdapterTensors tensors)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(tensors);
        return tensors.ToPackage(name);
    }

    private async Task<AdapterCoverage> ChangeAsync(
        AdapterPackage package, AdapterValidation validation, bool replace, CancellationToken cancellation)
    {
        string name = package.Name;
        if (!replace && Contains(name))
        {
            throw new AdapterExistsException(name);
        }

        (AdapterRegistration registration, AdapterContent? content) = await Task.Run(
            () => _loader.Read(package, validation, cancellation), cancellation).ConfigureAwait(false);
        await CallAsync(loop =>
        {
            loop.Names.Register(registration, content, replace);
            return true;
        }).ConfigureAwait(false);
        Log.Registered(_logger, name, registration.Description.Coverage);
        return registration.Description.Coverage;
    }

    private Task<T> CallAsync<T>(Func<EngineLoop, T> action)
    {
        var call = new Call<T>(action);
        _loop.Post(call);
        return call.Result;
    }
}
