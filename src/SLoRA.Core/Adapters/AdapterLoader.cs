using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Adapters;

/// <summary>
/// Reads adapters for one model: headers into registrations, content into checked weights. Thread-safe. Content is compared with the base model's
/// memory, so that memory must outlive every reading: <see cref="Dispose"/> first.
/// </summary>
/// <param name="targets">The model's target modules.</param>
/// <param name="pageBytes">Bytes of a page of the pool.</param>
/// <param name="policy">In which type weights lie in the pages.</param>
/// <param name="baseType">The type of the base weights.</param>
/// <param name="baseWeight">The base weight of a module, to compare copies with that an adapter carries.</param>
internal sealed class AdapterLoader(
    ImmutableArray<TargetModule> targets, long pageBytes, AdapterWeightType policy, TensorType baseType, Func<TargetModule, WeightSource> baseWeight) : IDisposable
{
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _idle = new(true);
    private int _reading;

    /// <summary>Reads configuration and headers and, if asked, the content.</summary>
    /// <exception cref="AdapterLoadException">The adapter is broken or not served.</exception>
    public (AdapterRegistration Registration, AdapterContent? Content) Read(
        AdapterPackage package, AdapterValidation validation, CancellationToken cancellation)
    {
        AdapterDescription description = AdapterDescription.Read(package, targets);
        TileDirectory directory = TilePlanner.Plan(description.Modules, targets.Length, pageBytes, policy, baseType);
        var registration = new AdapterRegistration(description, directory);
        AdapterContent? content = validation == AdapterValidation.Content ? ReadContent(registration, cancellation) : null;
        return (registration, content);
    }

    /// <summary>Reads and checks the content, and that it can be packed: paging it in cannot fail any more.</summary>
    /// <exception cref="AdapterLoadException">The package changed since it was registered, or a value cannot be served.</exception>
    public AdapterContent ReadContent(AdapterRegistration registration, CancellationToken cancellation = default)
    {
        Begin();
        try
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _closing.Token);
            AdapterContent content = AdapterContent.Load(registration.Description, BaseWeight, cancellationToken: ending.Token);
            try
            {
                TilePacker.CheckRange(content, registration.Directory);
                return content;
            }
            catch
            {
                content.Dispose();
                throw;
            }
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            throw new EngineDisposedException();
        }
        finally
        {
            End();
        }
    }

    /// <summary>Stops reading between two pieces, and returns when nobody reads any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closing.Cancel();
        }

        _idle.Wait();
    }

    private void Begin()
    {
        lock (_gate)
        {
            if (_closing.IsCancellationRequested)
            {
                throw new EngineDisposedException();
            }

            _reading++;
            _idle.Reset();
        }
    }

    private void End()
    {
        lock (_gate)
        {
            if (--_reading == 0)
            {
                _idle.Set();
            }
        }
    }

    private (TensorType Type, nint Data, long Elements) BaseWeight(TargetModule target)
    {
        WeightSource weight = baseWeight(target);
        return (weight.Type, weight.Data, (long)weight.Rows * weight.Columns);
    }
}
