using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Diagnostics;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Adapters.Loading;

/// <summary>
/// Reads adapters for one model: headers into what registration keeps, content into checked images of their pages. Thread-safe. Copies of
/// base weights are compared with the base model's memory: <see cref="Dispose"/> ends the looking before that goes, whoever is still
/// reading.
/// </summary>
/// <param name="targets">The model's target modules and norms, by index.</param>
/// <param name="pageBytes">Bytes of a page of the pool.</param>
/// <param name="totalPages">Pages of the pool.</param>
/// <param name="policy">In which type weights lie in the pages.</param>
/// <param name="baseType">The type of the base weights.</param>
/// <param name="baseWeight">The base weight of a module, to compare copies with that an adapter carries, and for the norms of DoRA.</param>
/// <param name="baseBias">The base bias of a module that has one.</param>
/// <param name="pace">How fast adapters may be read.</param>
/// <param name="allowsWithoutEffect">Whether an adapter that changes nothing is served.</param>
/// <param name="model">What files in GGUF must know of the model.</param>
/// <param name="logger">Told of every adapter that cannot be read, and where it lies.</param>
/// <param name="shards">Shards that have a slice of every page.</param>
/// <param name="maxAddedTokens">The most tokens that an adapter may have beyond those of the model.</param>
internal sealed class AdapterLoader(
    ImmutableArray<TargetModule> targets,
    long pageBytes,
    int totalPages,
    AdapterWeightType policy,
    TensorType baseType,
    Func<TargetModule, BaseWeight> baseWeight,
    Func<TargetModule, BaseWeight> baseBias,
    LoadPace pace,
    bool allowsWithoutEffect,
    AdapterBase model,
    ILogger logger,
    int shards = 1,
    int maxAddedTokens = 0) : IDisposable
{
    private readonly AdapterShapes _shapes = new(targets.Length, pageBytes, policy, baseType, shards);
    private readonly MemoryGate _baseMemory = new();

    /// <summary>Reads configuration and headers.</summary>
    /// <param name="package">The adapter.</param>
    /// <param name="reading">The reading that it is; null for one without a limit.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="AdapterLoadException">The adapter is broken or not served.</exception>
    /// <exception cref="AdapterTooLargeException">No request could ever use it.</exception>
    public AdapterHeaders ReadHeaders(AdapterPackage package, ReadClock? reading = null, CancellationToken cancellation = default) =>
        Logged(package, () => Keep(AdapterDescription.Read(package.ForBase(model), targets, pace.Begin(reading, cancellation))));

    /// <summary>How the files stand; null where there are none.</summary>
    /// <exception cref="AdapterLoadException">They cannot be looked at.</exception>
    public PackageStamp? Look(AdapterPackage package) => Logged(package, () =>
    {
        try
        {
            return package.Look();
        }
        catch (FormatError error)
        {
            throw new AdapterLoadException(package.Name, error);
        }
    });

    /// <summary>Reads and checks the content, and lays it out as it will lie in the pages: paging it in cannot fail any more.</summary>
    /// <param name="headers">What was found before.</param>
    /// <param name="expected">The content that it had before; null if that is not known.</param>
    /// <param name="change">What to do when it is another adapter now.</param>
    /// <param name="reading">The reading that it is.</param>
    /// <param name="cancellation">Ends the reading between two pieces.</param>
    /// <returns>The content, with the headers that it has now and a coverage that knows the values.</returns>
    /// <exception cref="AdapterChangedException">It is another adapter now, and that is refused.</exception>
    /// <exception cref="AdapterTooLargeException">No request could ever use what it is now.</exception>
    /// <exception cref="AdapterLoadException">A value cannot be served.</exception>
    public LoadedAdapter ReadContent(
        AdapterHeaders headers, GenerationId? expected, ChangedContent change, ReadClock? reading = null,
        CancellationToken cancellation = default) =>
        Logged(headers.Package, () =>
        {
            PacedLoad load = pace.Begin(reading, cancellation);
            AdapterDescription description = AdapterDescription.Read(headers.Package, targets, load);
            AdapterHeaders found = Same(headers, description, expected, change) ? headers : Keep(description);
            TileDirectory directory = found.Shape.DirectoryOf(description.Parts);
            GenerationId? mustBe = change == ChangedContent.Refuse ? expected : null;
            using AdapterContent content = AdapterContent.Load(
                description, baseWeight, mustBe, _baseMemory, load, cancellation, baseBias);
            TilePacker.CheckRange(content, directory);
            AdapterCoverage coverage = Checked(headers.Package, found.Coverage.WithoutEffect(AdapterEffect.Without(content, directory)));
            PageImage image = PageImage.Pack(content, directory, pageBytes, load, cancellation);
            return new LoadedAdapter(found with { Coverage = coverage, Stamp = description.Stamp }, image);
        });

    /// <summary>From here on the base model's memory may go.</summary>
    public void Dispose() => _baseMemory.Close();

    /// <summary>Whether the headers are what they were.</summary>
    /// <exception cref="AdapterChangedException">They are not, and that is refused.</exception>
    private static bool Same(AdapterHeaders headers, AdapterDescription description, GenerationId? expected, ChangedContent change)
    {
        if (description.Fingerprint.Span.SequenceEqual(headers.Fingerprint.Span))
        {
            return true;
        }

        return change == ChangedContent.Adopt ? false : throw new AdapterChangedException(
            headers.Package.Name, description.File, headers.IdentityOf(expected),
            new AdapterIdentity(null, description.Fingerprint, description.Stamp));
    }

    private AdapterHeaders Keep(AdapterDescription description)
    {
        if (description.Parts.AddedTokens > maxAddedTokens)
        {
            throw new AdapterLoadException(description.Package.Name, new FormatError(
                LoadErrorKind.Incompatible, description.File, null,
                $"has {description.Parts.AddedTokens} tokens more than the model; the engine takes {maxAddedTokens} "
                    + "(MaxAddedTokens where adapters are configured)"));
        }

        AdapterShape shape = _shapes.Of(description.Parts);
        if (shape.PageCount >= totalPages)
        {
            // At least one page is left for keys and values.
            throw new AdapterTooLargeException(description.Package.Name, shape.PageCount, 0, 1, totalPages);
        }

        AdapterCoverage coverage = Checked(description.Package, description.Coverage).Sharing(shape.Modules);
        return new AdapterHeaders(description.Package, coverage, description.Fingerprint, shape, description.Stamp);
    }

    private AdapterCoverage Checked(AdapterPackage package, AdapterCoverage coverage)
    {
        if (!allowsWithoutEffect)
        {
            AdapterEffect.Check(package.Name, coverage);
        }

        return coverage;
    }

    /// <summary>
    /// Whoever waits for an adapter is told what is wrong with it, the log also where it lies. That it has changed is told by who knows the
    /// name.
    /// </summary>
    private T Logged<T>(AdapterPackage package, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (AdapterLoadException error) when (error is not AdapterChangedException)
        {
            Log.NotRead(logger, error.Message, package.Location);
            throw;
        }
    }
}
