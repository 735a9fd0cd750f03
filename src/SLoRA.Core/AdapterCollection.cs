using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Loading;
using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Diagnostics;
using SLoRA.Engine;
using SLoRA.Scheduling;

namespace SLoRA;

/// <summary>
/// The adapters of an engine, by name. Registering reads configuration and headers (milliseconds) and reports what the adapter covers; the
/// content is read and checked at the first use, or at once with <see cref="AdapterValidation.Content"/>. Changes take effect between two
/// steps, in the order in which they and the requests arrive: a request that was handed in before a replacement or removal ends on the
/// content it began with. Thread-safe.
/// </summary>
public sealed class AdapterCollection : IAdapterCollection
{
    private readonly EngineLoop _loop;
    private readonly AdapterIntake _intake;
    private readonly ILogger _logger;

    internal AdapterCollection(EngineLoop loop, AdapterIntake intake, ILogger logger)
    {
        _loop = loop;
        _intake = intake;
        _logger = logger;
    }

    /// <summary>Registered names, those included that the adapter source brought and that are still known.</summary>
    public int Count => _loop.Names.Current.Values.Count(registration => registration.Picture.Headers is not null);

    /// <summary>Whether a name is registered.</summary>
    public bool Contains(string name) => _loop.Names.Contains(name);

    /// <inheritdoc/>
    public bool TryGet(string name, [NotNullWhen(true)] out AdapterStatus? adapter)
    {
        ArgumentNullException.ThrowIfNull(name);
        adapter = _loop.Names.Current.TryGetValue(name, out AdapterRegistration? registration)
            ? AdapterStatus.Of(registration, _loop.Clock)
            : null;
        return adapter is not null;
    }

    /// <summary>What is registered, in no particular order, each as it stands at one moment of this call.</summary>
    public IReadOnlyList<AdapterStatus> List() =>
        [.. _loop.Names.Current.Values.Select(registration => AdapterStatus.Of(registration, _loop.Clock)).OfType<AdapterStatus>()];

    /// <summary>Registers a folder as PEFT or MLX saves it, or an adapter in one GGUF file, under a new name.</summary>
    /// <param name="name">The name that requests will use; compared ordinally.</param>
    /// <param name="folder">Holds <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>, or MLX's <c>adapters.safetensors</c>;
    /// or a file that ends in <c>.gguf</c>.</param>
    /// <param name="validation">Whether the content is read and checked now or at the first use.</param>
    /// <param name="cancellationToken">Stops before the name is taken.</param>
    /// <returns>What the adapter covers.</returns>
    /// <exception cref="AdapterLoadException">The folder cannot be served, or reading it took too long; nothing has changed.</exception>
    /// <exception cref="AdapterTooLargeException">It needs more pages than a request could ever have; nothing has changed.</exception>
    /// <exception cref="AdapterExistsException">The name is taken.</exception>
    public Task<AdapterCoverage> RegisterAsync(
        string name, string folder, AdapterValidation validation = AdapterValidation.Headers,
        CancellationToken cancellationToken = default) =>
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

    /// <summary>
    /// Registers a PEFT folder under a name, whether it is taken or not. Requests that were handed in before go on with the old content.
    /// </summary>
    /// <inheritdoc cref="RegisterAsync"/>
    public Task<AdapterCoverage> ReplaceAsync(
        string name, string folder, AdapterValidation validation = AdapterValidation.Content,
        CancellationToken cancellationToken = default) =>
        ChangeAsync(FolderPackage(name, folder), validation, replace: true, cancellationToken);

    /// <summary>
    /// Registers tensors under a name, whether it is taken or not. Requests that were handed in before go on with the old content.
    /// </summary>
    /// <inheritdoc cref="RegisterTensorsAsync"/>
    public Task<AdapterCoverage> ReplaceTensorsAsync(string name, AdapterTensors tensors, CancellationToken cancellationToken = default) =>
        ChangeAsync(TensorPackage(name, tensors), AdapterValidation.Content, replace: true, cancellationToken);

    /// <summary>
    /// Looks at where an adapter comes from, its folder or the adapter source, and gives the name what is there now if it is something
    /// else: as <see cref="ReplaceAsync"/> does, at one moment between two steps. A folder whose files have the sizes and times that they
    /// had is not read. Tensors that the program handed in never change.
    /// </summary>
    /// <param name="name">The adapter.</param>
    /// <param name="cancellationToken">Stops before the name is changed.</param>
    /// <returns>Whether the name stands for other content now. False also when somebody else has changed it meanwhile.</returns>
    /// <exception cref="AdapterNotFoundException">There is no such adapter, or the source does not know it any more.</exception>
    /// <exception cref="AdapterLoadException">What is there now cannot be served; nothing has changed.</exception>
    /// <exception cref="AdapterTooLargeException">It needs more pages than a request could ever have; nothing has changed.</exception>
    public async Task<bool> RefreshAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!_loop.Names.Current.TryGetValue(name, out AdapterRegistration? registration)
            || registration.Picture.Headers is not { } known)
        {
            throw new AdapterNotFoundException(name);
        }

        LoadedAdapter? found =
            await _intake.ReadChangedAsync(name, known, registration.IsFromSource, cancellationToken).ConfigureAwait(false);
        if (found is null || !await HandOverAsync(found, loop => loop.Refresh(registration, found)).ConfigureAwait(false))
        {
            return false;
        }

        Log.Registered(_logger, name, found.Headers.Coverage);
        return true;
    }

    /// <summary>
    /// Removes a name. Requests that were handed in before go on; new ones fail. Memory is returned when the last of them has ended.
    /// </summary>
    /// <returns>False when the name was not registered.</returns>
    public async Task<bool> UnregisterAsync(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        bool removed = await _loop.Port.CallAsync(loop => loop.Names.Unregister(name)).ConfigureAwait(false);
        if (removed)
        {
            Log.Unregistered(_logger, name);
        }

        return removed;
    }

    /// <summary>
    /// Reads an adapter and brings it into the page pool, so that the next request for it does not wait. Its pages stay until others need
    /// them.
    /// </summary>
    /// <param name="name">The adapter; with an adapter source also one that is not registered.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>Ends when it is resident.</returns>
    /// <exception cref="AdapterNotFoundException">There is no such adapter.</exception>
    /// <exception cref="AdapterLoadException">It cannot be served.</exception>
    /// <exception cref="AdapterTooLargeException">The pages that are not pinned are too few for it.</exception>
    public Task PreloadAsync(string name, CancellationToken cancellationToken = default) =>
        BringAsync(name, pins: false, cancellationToken);

    /// <summary>
    /// Brings an adapter into the page pool to stay: neither its pages nor its content make room for others. Ends with
    /// <see cref="UnpinAsync"/>, and when the name is replaced or removed. Pinning what is pinned changes nothing.
    /// </summary>
    /// <exception cref="AdapterTooLargeException">With it pinned, a waiting request could never run, or no page would be left.</exception>
    /// <inheritdoc cref="PreloadAsync"/>
    public Task PinAsync(string name, CancellationToken cancellationToken = default) => BringAsync(name, pins: true, cancellationToken);

    /// <summary>Lets a pinned adapter make room for others again.</summary>
    /// <returns>False when it was not pinned.</returns>
    public Task<bool> UnpinAsync(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _loop.Port.CallAsync(loop => loop.Names.Current.TryGetValue(name, out AdapterRegistration? registration)
            && registration.Unpin());
    }

    /// <summary>
    /// Drops the pages and the content of an adapter that no request holds and that is not pinned. It stays registered and is read again at
    /// its next use.
    /// </summary>
    /// <returns>What was freed.</returns>
    /// <exception cref="AdapterNotFoundException">There is no such adapter.</exception>
    public Task<EvictedAdapter> EvictAsync(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _loop.Port.CallAsync(loop => loop.Evict(name));
    }

    private async Task BringAsync(string name, bool pins, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(name);
        cancellation.ThrowIfCancellationRequested();
        Preload preload =
            await _loop.Port.CallAsync(loop => loop.Preloads.Add(loop.Names.Find(name), pins, cancellation)).ConfigureAwait(false);
        using CancellationTokenRegistration registration = cancellation.UnsafeRegister(_ => _loop.Port.Cancel(preload), null);
        await preload.Resident.ConfigureAwait(false);
    }

    private static AdapterPackage FolderPackage(string name, string folder)
    {
        AdapterPackage.CheckName(name);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return AdapterPackage.Of(name, folder);
    }

    private static AdapterPackage TensorPackage(string name, AdapterTensors tensors)
    {
        AdapterPackage.CheckName(name);
        ArgumentNullException.ThrowIfNull(tensors);
        return tensors.ToPackage(name);
    }

    private async Task<AdapterCoverage> ChangeAsync(
        AdapterPackage package, AdapterValidation validation, bool replace, CancellationToken cancellation)
    {
        if (validation is not (AdapterValidation.Headers or AdapterValidation.Content))
        {
            throw new ArgumentOutOfRangeException(nameof(validation), validation, "No such validation.");
        }

        string name = package.Name;
        if (!replace && Contains(name))
        {
            throw new AdapterExistsException(name);
        }

        LoadedAdapter read = await _intake.RegisterAsync(package, validation, cancellation).ConfigureAwait(false);
        await HandOverAsync(read, loop =>
        {
            loop.Names.Register(new AdapterRegistration(name, read.Headers), read.Image, replace);
            return true;
        }).ConfigureAwait(false);
        Log.Registered(_logger, name, read.Headers.Coverage);
        return read.Headers.Coverage;
    }

    /// <summary>Lets the engine's thread take what has been read; when the engine has ended, nobody does.</summary>
    private async Task<T> HandOverAsync<T>(LoadedAdapter read, Func<EngineLoop, T> take)
    {
        try
        {
            return await _loop.Port.CallAsync(take).ConfigureAwait(false);
        }
        catch (Exception error) when (error is EngineDisposedException or EngineFaultedException)
        {
            read.Dispose();
            throw;
        }
    }
}
