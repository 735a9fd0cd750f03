using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

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
        _tensors = files.Tensors.Where(tensor => !consumed.Contains(tensor.Tensor.Name)).SelectMany(Named)
            .ToFrozenDictionary(named => named.Name, named => (named.Tensor, named.File), StringComparer.Ordinal);
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
    public override nint? AddressOf(StoredWeight weight) =>
        _files.IsMapped && _rows(weight.Name) is null && _tensors[weight.Name] is var (tensor, file) && !IsPlusOne(tensor)
            ? file.Address + (nint)tensor.Begin
            : null;

    /// <inheritdoc/>
    public override void Read(StoredWeight weight, long offset, Span<byte> destination)
    {
        (GgufTensor tensor, WeightFile file) = _tensors[weight.Name];
        if (_rows(weight.Name) is not { } order)
        {
            file.Read(tensor.Begin + offset, destination);
            if (IsPlusOne(tensor))
            {
                Span<float> values = MemoryMarshal.Cast<byte, float>(destination);
                TensorPrimitives.Subtract(values, 1, values);
            }

            return;
        }

        // Rows move within their head, so that those of a piece come from about the same place.
        (long begin, long length) = (tensor.Begin + offset, destination.Length);
        long rowBytes = weight.Shape.Length == 1 ? weight.Served.BytesOf(1) : weight.Served.BytesOf(weight.Columns);
        while (!destination.IsEmpty)
        {
            (long row, long within) = Math.DivRem(offset, rowBytes);
            int bytes = (int)Math.Min(destination.Length, rowBytes - within);
            file.Read(tensor.Begin + (order.InFile(row) * rowBytes) + within, destination[..bytes]);
            destination = destination[bytes..];
            offset += bytes;
        }

        file.Leave(begin, length);
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

    /// <summary>
    /// Whether a tensor is the weight of a norm that has 1 added. Of numbers from 1/2 to 2 nothing is lost by taking it away.
    /// </summary>
    private bool IsPlusOne(GgufTensor tensor) =>
        _architecture.StoresNormsPlusOne && tensor.Shape.Length == 1 && tensor.Type.Format == WeightFormat.F32
        && tensor.Name.EndsWith("norm.weight", StringComparison.Ordinal);

    /// <summary>
    /// A tensor under its name of Hugging Face; of all experts, each one's part. One without such a name keeps its own, which no module
    /// asks for.
    /// </summary>
    private IEnumerable<(string Name, GgufTensor Tensor, WeightFile File)> Named((GgufTensor Tensor, WeightFile File) stored)
    {
        GgufTensor tensor = stored.Tensor;
        if (_architecture.ExpertsOf(tensor.Name) is not { } experts || tensor.Shape.Length != 3)
        {
            yield return (_architecture.TensorOf(tensor.Name) ?? tensor.Name, tensor, stored.File);
            yield break;
        }

        long bytes = tensor.Length / tensor.Shape[0];
        for (int expert = 0; expert < tensor.Shape[0]; expert++)
        {
            yield return (
                string.Format(CultureInfo.InvariantCulture, experts, expert),
                tensor with { Shape = tensor.Shape[1..], Begin = tensor.Begin + (expert * bytes), Length = bytes },
                stored.File);
        }
    }
}
