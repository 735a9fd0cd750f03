using System.Collections.Immutable;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Adapters;

/// <summary>
/// Reads adapters for one model: headers into what registration keeps, content into checked images of their pages. Thread-safe. Copies of base weights are
/// compared with the base model's memory: <see cref="Dispose"/> ends the looking before that goes, whoever is still reading.
/// </summary>
/// <param name="targets">The model's target modules.</param>
/// <param name="pageBytes">Bytes of a page of the pool.</param>
/// <param name="policy">In which type weights lie in the pages.</param>
/// <param name="baseType">The type of the base weights.</param>
/// <param name="baseWeight">The base weight of a module, to compare copies with that an adapter carries.</param>
/// <param name="pace">How fast content may be read.</param>
internal sealed class AdapterLoader(
    ImmutableArray<TargetModule> targets, long pageBytes, AdapterWeightType policy, TensorType baseType, Func<TargetModule, WeightSource> baseWeight, LoadPace pace) : IDisposable
{
    private readonly AdapterShapes _shapes = new(targets.Length, pageBytes, policy, baseType);
    private readonly MemoryGate _baseMemory = new();

    /// <summary>Reads configuration and headers.</summary>
    /// <exception cref="AdapterLoadException">The adapter is broken or not served.</exception>
    public AdapterHeaders ReadHeaders(AdapterPackage package) => Keep(AdapterDescription.Read(package, targets));

    /// <summary>Reads and checks the content, and lays it out as it will lie in the pages: paging it in cannot fail any more.</summary>
    /// <param name="headers">What registration found.</param>
    /// <param name="expected">The identity that the content must have because it was loaded before; null if it was not.</param>
    /// <param name="cancellation">Ends the reading between two pieces.</param>
    /// <exception cref="AdapterLoadException">The package changed since it was registered, or a value cannot be served.</exception>
    public PageImage ReadContent(AdapterHeaders headers, GenerationId? expected, CancellationToken cancellation)
    {
        AdapterDescription description = AdapterDescription.Read(headers.Package, targets, headers.Fingerprint);
        TileDirectory directory = headers.Shape.DirectoryOf(description.Modules);
        PacedLoad load = pace.Begin();
        using AdapterContent content = AdapterContent.Load(description, BaseWeight, expected, _baseMemory, load, cancellation);
        TilePacker.CheckRange(content, directory);
        return PageImage.Pack(content, directory, pageBytes, load, cancellation);
    }

    /// <summary>Reads an adapter completely.</summary>
    /// <exception cref="AdapterLoadException">The adapter is broken or not served.</exception>
    public LoadedAdapter Read(AdapterPackage package, CancellationToken cancellation)
    {
        AdapterHeaders headers = ReadHeaders(package);
        return new LoadedAdapter(headers, ReadContent(headers, null, cancellation));
    }

    /// <summary>From here on the base model's memory may go.</summary>
    public void Dispose() => _baseMemory.Close();

    private AdapterHeaders Keep(AdapterDescription description)
    {
        AdapterShape shape = _shapes.Of(description.Modules);
        return new AdapterHeaders(description.Package, description.Coverage.Sharing(shape.Modules), description.Fingerprint, shape);
    }

    private (TensorType Type, nint Data, long Elements) BaseWeight(TargetModule target)
    {
        WeightSource weight = baseWeight(target);
        return (weight.Type, weight.Data, (long)weight.Rows * weight.Columns);
    }
}
