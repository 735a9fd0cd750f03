namespace SLoRA.Hosting;

/// <summary>
/// The engine that services are given: it stands in from the beginning for the one that the host loads. Before that is there, what needs it
/// throws <see cref="EngineNotReadyException"/>.
/// </summary>
internal sealed class HostedEngine : ILoraEngine, IDisposable
{
    private readonly TaskCompletionSource<ILoraEngine> _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public HostedEngine() => Completion = CompleteAsync();

    /// <summary>Whether the engine is there, warmed up.</summary>
    public bool IsLoaded => _loaded.Task.IsCompletedSuccessfully;

    /// <summary>Whether it takes no more requests because the host stops.</summary>
    public bool IsDraining { get; private set; }

    public ModelInfo Model => Engine.Model;

    public string Backend => Engine.Backend;

    public IAdapterCollection Adapters => Engine.Adapters;

    public EngineStatus Status => Engine.Status;

    /// <summary>Ends as the engine's own does, or when there will be none.</summary>
    public Task Completion { get; }

    /// <summary>Ends when the engine is there, or there will be none.</summary>
    public Task Loaded => _loaded.Task;

    private ILoraEngine Engine => IsLoaded ? _loaded.Task.Result : throw new EngineNotReadyException();

    /// <summary>The engine is there.</summary>
    /// <returns>False where there will be none any more: then it remains the caller's.</returns>
    public bool TrySet(ILoraEngine engine) => _loaded.TrySetResult(engine);

    /// <summary>There will be no engine.</summary>
    public void Fail(Exception error)
    {
        _loaded.TrySetException(error);
        _ = _loaded.Task.Exception;
    }

    public IGenerationStream GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default) =>
        Engine.GenerateAsync(request, cancellationToken);

    public Task<bool> DrainAsync(TimeSpan limit, CancellationToken cancellationToken = default)
    {
        IsDraining = true;
        return Engine.DrainAsync(limit, cancellationToken);
    }

    /// <summary>Ends the engine that was loaded; where there is none, there will be none.</summary>
    public ValueTask DisposeAsync()
    {
        Fail(new EngineDisposedException());
        return IsLoaded ? Engine.DisposeAsync() : ValueTask.CompletedTask;
    }

    /// <summary>As <see cref="DisposeAsync"/>, for containers that cannot wait.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private async Task CompleteAsync() => await (await _loaded.Task.ConfigureAwait(false)).Completion.ConfigureAwait(false);
}
