using System.Diagnostics.CodeAnalysis;

namespace SLoRA;

/// <summary>The adapters of an engine, by name: what <see cref="AdapterCollection"/> does, for hosts and for tests. Thread-safe.</summary>
public interface IAdapterCollection
{
    /// <inheritdoc cref="AdapterCollection.Count"/>
    int Count { get; }

    /// <inheritdoc cref="AdapterCollection.Contains"/>
    bool Contains(string name);

    /// <summary>What is known of one adapter.</summary>
    /// <param name="name">Its name, compared ordinally.</param>
    /// <param name="adapter">What is known of it.</param>
    /// <returns>Whether it is registered.</returns>
    bool TryGet(string name, [NotNullWhen(true)] out AdapterStatus? adapter);

    /// <inheritdoc cref="AdapterCollection.List"/>
    IReadOnlyList<AdapterStatus> List();

    /// <inheritdoc cref="AdapterCollection.RegisterAsync"/>
    Task<AdapterCoverage> RegisterAsync(
        string name, string folder, AdapterValidation validation = AdapterValidation.Headers,
            CancellationToken cancellationToken = default);

    /// <inheritdoc cref="AdapterCollection.RegisterTensorsAsync"/>
    Task<AdapterCoverage> RegisterTensorsAsync(string name, AdapterTensors tensors, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="AdapterCollection.ReplaceAsync"/>
    Task<AdapterCoverage> ReplaceAsync(
        string name, string folder, AdapterValidation validation = AdapterValidation.Content,
            CancellationToken cancellationToken = default);

    /// <inheritdoc cref="AdapterCollection.ReplaceTensorsAsync"/>
    Task<AdapterCoverage> ReplaceTensorsAsync(string name, AdapterTensors tensors, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="AdapterCollection.RefreshAsync"/>
    Task<bool> RefreshAsync(string name, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="AdapterCollection.UnregisterAsync"/>
    Task<bool> UnregisterAsync(string name);

    /// <inheritdoc cref="AdapterCollection.PreloadAsync"/>
    Task PreloadAsync(string name, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="AdapterCollection.PinAsync"/>
    Task PinAsync(string name, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="AdapterCollection.UnpinAsync"/>
    Task<bool> UnpinAsync(string name);

    /// <inheritdoc cref="AdapterCollection.EvictAsync"/>
    Task<EvictedAdapter> EvictAsync(string name);
}
