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
/// <param name="totalPages">Pages of the pool.</param>
/// <param name="policy">In which type weights lie in the pages.</param>
/// <param name="baseType">The type of the base weights.</param>
/// <param name="baseWeight">The base weight of a module, to compare copies with that an adapter carries.</param>
/// <param name="pace">How fast adapters may be read.</param>
internal sealed class AdapterLoader(
    ImmutableArray<TargetModule> targets,
    long pageBytes,
    int totalPages,
    AdapterWeightType policy,
    TensorType baseType,
    Func<TargetModule, WeightSource> baseWeight,
    LoadPace pace) : IDisposable
{
    private readonly AdapterShapes _shapes = new(targets.Length, pageBytes, policy, baseType);
    private readonly MemoryGate _baseMemory = new();

    /// <summary>Reads configuration and headers.</summary>
    /// <param name="package">The adapter.</param>
    /// <param name="reading">The reading that it is; null for one without a limit.</param>
    /// <exception cref="AdapterLoadException">The adapter is broken or not served.</exception>
    /// <exception cref="AdapterTooLargeException">No request could ever use it.</exception>
    public AdapterHeaders ReadHeaders(AdapterPackage package, ReadClock? reading = null) => Keep(AdapterDescription.Read(package, targets, pace.Begin(reading)));

    /// <summary>Reads and checks the content, and lays it out as it will lie in the pages: paging it in cannot fail any more.</summary>
    /// <param name="headers">What was found before.</param>
    /// <param name="expected">The content that it had before; null if that is not known.</param>
    /// <param name="change">What to do when it is another adapter now.</param>
    /// <param name="reading">The reading that it is.</param>
    /// <param name="cancellation">Ends the reading between two pieces.</param>
    /// <returns>The content, with the headers that it has now.</returns>
    /// <exception cref="AdapterChangedException">It is another adapter now, and that is refused.</exception>
    /// <exception cref="AdapterTooLargeException">No request could ever use what it is now.</exception>
    /// <exception cref="AdapterLoadException">A value cannot be served.</exception>
    public LoadedAdapter ReadContent(
        AdapterHeaders headers, GenerationId? expected, ChangedContent change, ReadClock? reading = null, CancellationToken cancellation = default)
    {
        PacedLoad load = pace.Begin(reading);
        AdapterDescription description = AdapterDescription.Read(headers.Package, targets, load);
        if (!description.Fingerprint.Span.SequenceEqual(headers.Fingerprint.Span))
        {
            if (change == ChangedContent.Refuse)
            {
                throw new AdapterChangedException(
                    headers.Package.Name, description.File, headers.IdentityOf(expected), new AdapterIdentity(null, description.Fingerprint, description.Stamp));
            }

            headers = Keep(description);
        }

        TileDirectory directory = headers.Shape.DirectoryOf(description.Modules);
        GenerationId? mustBe = change == ChangedContent.Refuse ? expected : null;
        using AdapterContent content = AdapterContent.Load(description, BaseWeight, mustBe, _baseMemory, load, cancellation);
        TilePacker.CheckRange(content, directory);
        PageImage image = PageImage.Pack(content, directory, pageBytes, load, cancellation);
        return new LoadedAdapter(headers.Stamp == description.Stamp ? headers : headers with { Stamp = description.Stamp }, image);
    }

    /// <summary>From here on the base model's memory may go.</summary>
    public void Dispose() => _baseMemory.Close();

    private AdapterHeaders Keep(AdapterDescription description)
    {
        AdapterShape shape = _shapes.Of(description.Modules);
        if (shape.PageCount >= totalPages)
        {
            // At least one page is left for keys and values.
            throw new AdapterTooLargeException(description.Package.Name, shape.PageCount, 0, 1, totalPages);
        }

        return new AdapterHeaders(description.Package, description.Coverage.Sharing(shape.Modules), description.Fingerprint, shape, description.Stamp);
    }

    private (TensorType Type, nint Data, long Elements) BaseWeight(TargetModule target)
    {
        WeightSource weight = baseWeight(target);
        return (weight.Type, weight.Data, (long)weight.Rows * weight.Columns);
    }
}
