using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using SLoRA.Diagnostics;
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
/// <param name="allowsWithoutEffect">Whether an adapter that changes nothing is served.</param>
/// <param name="logger">Told of every adapter that cannot be read, and where it lies.</param>
internal sealed class AdapterLoader(
    ImmutableArray<TargetModule> targets,
    long pageBytes,
    AdapterWeightType policy,
    TensorType baseType,
    Func<TargetModule, BaseWeight> baseWeight,
    LoadPace pace,
    bool allowsWithoutEffect,
    ILogger logger) : IDisposable
{
    private readonly AdapterShapes _shapes = new(targets.Length, pageBytes, policy, baseType);
    private readonly MemoryGate _baseMemory = new();

    /// <summary>Reads configuration and headers.</summary>
    /// <exception cref="AdapterLoadException">The adapter is broken or not served.</exception>
    public AdapterHeaders ReadHeaders(AdapterPackage package, CancellationToken cancellation) =>
        Logged(package, () => Keep(AdapterDescription.Read(package, targets, cancellation: cancellation)));

    /// <summary>Reads and checks the content, and lays it out as it will lie in the pages: paging it in cannot fail any more.</summary>
    /// <param name="headers">What registration found.</param>
    /// <param name="expected">The identity that the content must have because it was loaded before; null if it was not.</param>
    /// <param name="cancellation">Ends the reading between two pieces.</param>
    /// <returns>The content, with a coverage that knows the values.</returns>
    /// <exception cref="AdapterLoadException">The package changed since it was registered, or a value cannot be served.</exception>
    public LoadedAdapter ReadContent(AdapterHeaders headers, GenerationId? expected, CancellationToken cancellation) => Logged(headers.Package, () =>
    {
        AdapterDescription description = AdapterDescription.Read(headers.Package, targets, headers.Fingerprint, cancellation);
        TileDirectory directory = headers.Shape.DirectoryOf(description.Modules);
        PacedLoad load = pace.Begin();
        using AdapterContent content = AdapterContent.Load(description, baseWeight, expected, _baseMemory, load, cancellation);
        TilePacker.CheckRange(content, directory);
        AdapterCoverage coverage = Checked(headers.Package, headers.Coverage.WithoutEffect(AdapterEffect.Without(content, directory)));
        return new LoadedAdapter(headers with { Coverage = coverage }, PageImage.Pack(content, directory, pageBytes, load, cancellation));
    });

    /// <summary>Reads an adapter completely.</summary>
    /// <exception cref="AdapterLoadException">The adapter is broken or not served.</exception>
    public LoadedAdapter Read(AdapterPackage package, CancellationToken cancellation) => ReadContent(ReadHeaders(package, cancellation), null, cancellation);

    /// <summary>From here on the base model's memory may go.</summary>
    public void Dispose() => _baseMemory.Close();

    private AdapterHeaders Keep(AdapterDescription description)
    {
        AdapterShape shape = _shapes.Of(description.Modules);
        return new AdapterHeaders(description.Package, Checked(description.Package, description.Coverage).Sharing(shape.Modules), description.Fingerprint, shape);
    }

    private AdapterCoverage Checked(AdapterPackage package, AdapterCoverage coverage)
    {
        if (!allowsWithoutEffect)
            AdapterEffect.Check(package.Name, coverage);
        return coverage;
    }

    /// <summary>Whoever waits for an adapter is told what is wrong with it, the log also where it lies.</summary>
    private T Logged<T>(AdapterPackage package, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (AdapterLoadException error)
        {
            Log.NotRead(logger, error, package.Location);
            throw;
        }
    }
}
