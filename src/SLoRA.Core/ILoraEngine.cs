namespace SLoRA;

/// <summary>
/// What a host holds of a <see cref="LoraServingEngine"/>: generating, adapters, status, and its end. For those who stand in front of an
/// engine and those who test without one. Thread-safe.
/// </summary>
public interface ILoraEngine : IAsyncDisposable
{
    /// <summary>The base model.</summary>
    ModelInfo Model { get; }

    /// <summary>The device that computes: <c>Cpu</c>, <c>Gpu</c> or <c>Reference</c>.</summary>
    string Backend { get; }

    /// <summary>Registers, replaces and removes adapters while requests run.</summary>
    IAdapterCollection Adapters { get; }

    /// <summary>What runs, what waits and what the pool holds, as of the end of the last step.</summary>
    EngineStatus Status { get; }

    /// <summary>
    /// Ends when the engine serves nobody any more: after <see cref="IAsyncDisposable.DisposeAsync"/>, or with
    /// <see cref="EngineFaultedException"/> when it has failed. By then every stream has ended.
    /// </summary>
    Task Completion { get; }

    /// <summary>
    /// Generates the answer to one request. It is copied and checked here, and handed in when the enumeration starts. Stands for
    /// <see cref="LoraServingEngine.GenerateAsync"/>, and throws what that does.
    /// </summary>
    /// <param name="request">What is asked.</param>
    /// <param name="cancellationToken">Ends the request within one step.</param>
    IGenerationStream GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default);

    /// <summary>
    /// Takes no more requests, for good: they end with <see cref="EngineDrainingException"/>. Those that were handed in before, waiting
    /// ones too, go on to their end. Call <see cref="IAsyncDisposable.DisposeAsync"/> afterwards: it ends what is left.
    /// </summary>
    /// <param name="limit">
    /// How long to wait for them, from zero to 49 days; <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.
    /// </param>
    /// <param name="cancellationToken">Ends the waiting; requests stay refused.</param>
    /// <returns>Whether all of them have ended. False after <paramref name="limit"/>: some still run.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The limit is out of its range; requests are taken as before.</exception>
    Task<bool> DrainAsync(TimeSpan limit, CancellationToken cancellationToken = default);
}
