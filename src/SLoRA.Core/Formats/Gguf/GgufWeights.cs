using System.Collections.Frozen;

namespace SLoRA.Formats.Gguf;

/// <summary>
/// The weights of a GGUF model under the names of Hugging Face and in its order of rows. Blocks stay as they are: whole rows move.
/// </summary>
internal sealed class GgufWeights : WeightStore
{
    private readonly GgufFiles _files;
    private readonly GgufArchitecture _architecture;
    private readonly FrozenDictionary<string, (GgufTensor Tensor, WeightFile File)> _tensors;
    private readonly Func<string, HeadRows?> _rows;

    /// <summary>Gives the tensors of files their names.</summary>
    /// <param name="files">The files; disposed with this.</param>
    /// <param name="architecture">What the tensors are called.</param>
    /// <param name="consumed">Names of tensors that are no weights, but a part of the configuration.</param>
    /// <param name="rows">Name → the order of its rows; null for that of Hugging Face.</param>
    public GgufWeights(
        GgufFiles files, GgufArchitecture architecture, IReadOnlyCollection<string> consumed, Func<string, HeadRows?> rows)
    {
        _files = files;
        _architecture = architecture;
        _rows = rows;
        // A tensor without a name of Hugging Face keeps its own, which no module asks for.
        _tensors = files.Tensors.Where(tensor => !consumed.Contains(tensor.Tensor.Name)).ToFrozenDictionary(
            tensor => architecture.TensorOf(tensor.Tensor.Name) ?? tensor.Tensor.Name, StringComparer.Ordinal);
        Weights = _tensors.ToFrozenDictionary(
            pair => pair.Key,
            pair => new StoredWeight(
                pair.Key, pair.Value.Tensor.Type.Format, pair.Value.Tensor.Type.Name, pair.Value.Tensor.Shape, pair.Value.File.Path,
                pair.Value.Tensor.Name),
            StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public override string File => _files.Path;

    /// <inheritdoc/>
    public override long FileBytes => _files.Bytes;

    /// <inheritdoc/>
    public override FrozenDictionary<string, StoredWeight> Weights { get; }

    /// <inheritdoc/>
    public override string Configuration => "the metadata";

    /// <inheritdoc/>
    public override string NameInFile(string name) => _architecture.NameOf(name);

    /// <inheritdoc/>
    public override void Map(IProgress<LoadProgress>? progress, CancellationToken cancellation) => _files.Map(progress, cancellation);

    /// <inheritdoc/>
    public override nint? AddressOf(StoredWeight weight) =>
        _files.IsMapped && _rows(weight.Name) is null && _tensors[weight.Name] is var (tensor, file)
            ? file.Address + (nint)tensor.Begin
            : null;

    /// <inheritdoc/>
    public override void Read(StoredWeight weight, long offset, Span<byte> destination)
    {
        (GgufTensor tensor, WeightFile file) = _tensors[weight.Name];
        if (_rows(weight.Name) is not { } order)
        {
            file.Read(tensor.Begin + offset, destination);
            return;
        }

        long rowBytes = weight.Shape.Length == 1 ? weight.Served.BytesOf(1) : weight.Served.BytesOf(weight.Columns);
        while (!destination.IsEmpty)
        {
            (long row, long within) = Math.DivRem(offset, rowBytes);
            int bytes = (int)Math.Min(destination.Length, rowBytes - within);
            file.Read(tensor.Begin + (order.InFile(row) * rowBytes) + within, destination[..bytes]);
            destination = destination[bytes..];
            offset += bytes;
        }
    }

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
}
