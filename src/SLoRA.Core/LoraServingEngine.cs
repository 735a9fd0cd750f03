using System.Globalization;
using SLoRA.Diagnostics;
using SLoRA.Engine;

namespace SLoRA;

/// <summary>
/// Serves one base model with any number of LoRA adapters: it owns the page pool, the adapters and the thread that computes. Any number of
/// callers generate at the same time; their requests share every step, whatever adapters they use. Thread-safe.
/// </summary>
public sealed class LoraServingEngine : ILoraEngine
{
    private static readonly TimeSpan LongestDrain = TimeSpan.FromDays(49);

    private readonly EngineLoop _loop;
    private readonly EngineThread _thread;
    private readonly IDisposable _resources;
    private readonly SchedulingOptions _scheduling;
    private readonly Lazy<Task> _disposal;
    private readonly Func<GenerationRequest, int> _addedTokensOf;
    private volatile bool _isDisposed;

    internal LoraServingEngine(EngineAssembly assembly, EngineDescription description)
    {
        _loop = assembly.Loop;
        _addedTokensOf = assembly.Loop.Names.AddedTokensOf;
        _resources = assembly;
        _scheduling = description.Scheduling;
        _disposal = new Lazy<Task>(DisposeOnceAsync);
        Model = assembly.Model;
        Backend = assembly.Backend.Name;
        Adapters = new AdapterCollection(_loop, assembly.Intake, assembly.Logger);
        _thread = new EngineThread(_loop, description.StartThread, error => Log.Faulted(description.Logger, error));
    }

    /// <summary>The base model.</summary>
    public ModelInfo Model { get; }

    /// <summary>The device that computes: <c>Cpu</c>, <c>Gpu</c> or <c>Reference</c>.</summary>
    public string Backend { get; }

    /// <summary>Registers, replaces and removes adapters while requests run.</summary>
    public AdapterCollection Adapters { get; }

    /// <inheritdoc/>
    public Task Completion => _thread.Completion;

    /// <summary>What runs, what waits and what the pool holds, as of the end of the last step.</summary>
    public EngineStatus Status => _loop.Monitor.Status();

    /// <summary>Starts to describe an engine. Nothing is read before <see cref="LoraServingEngineBuilder.BuildAsync"/>.</summary>
    public static LoraServingEngineBuilder CreateBuilder() => new();

    /// <summary>
    /// Generates the answer to one request. It is copied and checked here; it is handed in when the enumeration starts, and bound to the
    /// adapters that its names stand for then.
    /// </summary>
    /// <param name="request">What is asked.</param>
    /// <param name="cancellationToken">Ends the request within one step.</param>
    /// <exception cref="InvalidRequestException">A value is out of its range, or a list or the prompt's memory cannot be read.</exception>
    /// <exception cref="AdapterNotFoundException">A name is not registered.</exception>
    /// <exception cref="EngineDisposedException">The engine has been disposed.</exception>
    /// <remarks>The enumeration throws <see cref="EngineDrainingException"/> once <see cref="DrainAsync"/> has been called.</remarks>
    public GenerationStream GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (_isDisposed)
        {
            throw new EngineDisposedException();
        }

        (GenerationRequest accepted, int maxTokens) = RequestRules.Accept(request, Model, _scheduling, _addedTokensOf);
        _loop.Names.Check(accepted);
        return new GenerationStream(_loop.Port, accepted, maxTokens, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<bool> DrainAsync(TimeSpan limit, CancellationToken cancellationToken = default)
    {
        // Before requests are refused: that cannot be taken back.
        if (limit != Timeout.InfiniteTimeSpan && (limit < TimeSpan.Zero || limit > LongestDrain))
        {
            throw new ArgumentOutOfRangeException(
                nameof(limit), limit, "The limit must be from zero to 49 days, or Timeout.InfiniteTimeSpan.");
        }

        try
        {
            await _loop.Port.DrainAsync().WaitAsync(limit, _loop.Clock, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>
    /// Ends every request with <see cref="EngineDisposedException"/>, stops the thread and frees the memory. Returns when nothing is left
    /// running, whoever calls it and however often.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        _isDisposed = true;
        return new ValueTask(_disposal.Value);
    }

    IAdapterCollection ILoraEngine.Adapters => Adapters;

    IGenerationStream ILoraEngine.GenerateAsync(GenerationRequest request, CancellationToken cancellationToken) =>
        GenerateAsync(request, cancellationToken);

    /// <summary>Takes the pages of everything that nobody uses: idle adapters and cached prefixes. For measurements and tests.</summary>
    internal Task DropCachesAsync() => _loop.Port.CallAsync(loop =>
    {
        loop.DropCaches();
        return true;
    });

    private async Task DisposeOnceAsync()
    {
        await _thread.DisposeAsync().ConfigureAwait(false);
        await Task.Run(_resources.Dispose).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Model.Architecture} on {Backend}, {Adapters.Count} adapters");
}
