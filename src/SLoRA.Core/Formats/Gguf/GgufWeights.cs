using System.Collections.Frozen;
using System.Collections.Immutable;

namespace SLoRA.Formats.Gguf;

/// <summary>
/// The weights of a GGUF model under the names of Hugging Face and in its order. Blocks stay as they are: whole rows move.
/// </summary>
internal sealed class GgufWeights : WeightStore
{
    private readonly GgufFiles _files;
    private readonly GgufArchitecture _architecture;
    private readonly FrozenDictionary<string, GgufView> _views;

    /// <summary>Gives the tensors of files their names.</summary>
    /// <param name="files">The files; disposed with this.</param>
    /// <param name="config">What they say about the model.</param>
    /// <param name="shapes">Name → the shape that the model's weight has.</param>
    /// <exception cref="FormatError">Parts of a weight do not belong together.</exception>
    public GgufWeights(GgufFiles files, GgufConfig config, IReadOnlyDictionary<string, ImmutableArray<long>> shapes)
    {
        _files = files;
        _architecture = config.Architecture;
        var views = new Dictionary<string, GgufView>(StringComparer.Ordinal);
        foreach ((string name, GgufView view) in new GgufLayout(files, config).Weights())
        {
            GgufView shaped = shapes.TryGetValue(name, out ImmutableArray<long> shape) ? Shaped(view, shape) : view;
            if (!views.TryAdd(name, shaped))
            {
                throw shaped.Named(name).Error($"stands for {name}, as {views[name].Tensor.Name} does");
            }
        }

        _views = views.ToFrozenDictionary(StringComparer.Ordinal);
        Weights = _views.ToFrozenDictionary(pair => pair.Key, pair => pair.Value.Named(pair.Key), StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public override string File => _files.Path;

    /// <inheritdoc/>
    public override ImmutableArray<WeightFile> Files => _files.Files;

    /// <inheritdoc/>
    public override FrozenDictionary<string, StoredWeight> Weights { get; }

    /// <inheritdoc/>
    public override string Configuration => "the metadata";

    /// <inheritdoc/>
    public override string NameInFile(string name) => _architecture.NameOf(name);

    /// <inheritdoc/>
    public override void Map(IProgress<LoadProgress>? progress, CancellationToken cancellation) => _files.Map(progress, cancellation);

    /// <inheritdoc/>
    public override nint? AddressOf(StoredWeight weight) => _files.IsMapped && _views[weight.Name] is { IsStored: true } view
        ? view.File.Address + (nint)view.Tensor.Begin
        : null;

    /// <inheritdoc/>
    public override void Read(StoredWeight weight, long offset, Span<byte> destination) => _views[weight.Name].Read(offset, destination);

    /// <inheritdoc/>
    public override void CheckValues(StoredWeight weight, ReadOnlySpan<byte> blocks, long offset)
    {
        if (weight.Served.FirstNotFinite(blocks) is >= 0 and var at)
        {
            long first = offset / weight.Served.BlockBytes * weight.Served.BlockElements;
            throw weight.Error($"has NaN or infinity at element {first + at}");
        }
    }

    /// <inheritdoc/>
    public override void Release() => _files.Release();

    /// <inheritdoc/>
    public override void Dispose() => _files.Dispose();

    /// <summary>
    /// With the dimensions that the model has, where they are the same but for some of 1, which converters drop or add, or where a vector
    /// is stored as a matrix of its groups.
    /// </summary>
    private static GgufView Shaped(GgufView view, ImmutableArray<long> shape) =>
        view.Shape.Where(size => size != 1).SequenceEqual(shape.Where(size => size != 1))
            || (view.Tensor.Name.EndsWith(GgufArchitecture.GroupedNorm, StringComparison.Ordinal)
                && shape is [var width] && view.Shape is [var groups, var columns] && groups * columns == width)
            ? view with { Shape = shape }
            : view;
}
