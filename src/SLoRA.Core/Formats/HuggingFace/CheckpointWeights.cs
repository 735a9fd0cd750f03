using System.Collections.Frozen;
using System.Collections.Immutable;

namespace SLoRA.Formats.HuggingFace;

/// <summary>The weights of a checkpoint that stores each of them as one tensor.</summary>
/// <param name="checkpoint">Its files; disposed with this.</param>
internal sealed class CheckpointWeights(Checkpoint checkpoint) : WeightStore
{
    /// <inheritdoc/>
    public override string File => checkpoint.File;

    /// <inheritdoc/>
    public override ImmutableArray<WeightFile> Files => checkpoint.Files;

    /// <inheritdoc/>
    public override int LeftOut => checkpoint.LeftOut;

    /// <inheritdoc/>
    public override FrozenDictionary<string, StoredWeight> Weights { get; } =
        checkpoint.Tensors.ToFrozenDictionary(
            tensor => tensor.Key, tensor => checkpoint.Weight(tensor.Key, tensor.Value), StringComparer.Ordinal);

    /// <summary>The first tensor that no plain checkpoint has.</summary>
    /// <inheritdoc/>
    public override FormatError? Explain(string name) => ForeignWeight.Of(checkpoint);

    /// <inheritdoc/>
    public override void Map(IProgress<LoadProgress>? progress, CancellationToken cancellation) => checkpoint.Map(progress, cancellation);

    /// <inheritdoc/>
    public override nint? AddressOf(StoredWeight weight) => checkpoint.IsMapped ? checkpoint.Address(weight.Name) : null;

    /// <inheritdoc/>
    public override void Read(StoredWeight weight, long offset, Span<byte> destination) =>
        checkpoint.Read(weight.Name, offset, destination);

    /// <inheritdoc/>
    public override void Release() => checkpoint.Release();

    /// <inheritdoc/>
    public override void Dispose() => checkpoint.Dispose();
}
