using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using SLoRA.Formats.Blocks;
using SLoRA.Formats.HuggingFace;

namespace SLoRA.Formats.Quantization;

/// <summary>
/// The weights of a checkpoint of which some are quantized: those come row by row out of their parts, in the format that holds their
/// values exactly. The parts of one weight are in memory at a time.
/// </summary>
internal sealed class QuantizedWeights : WeightStore
{
    private readonly Checkpoint _checkpoint;
    private readonly QuantizationScheme _scheme;
    private readonly TensorParts _parts;
    private readonly FrozenDictionary<string, QuantizedModule> _modules;
    private readonly FrozenSet<string> _quantized;
    private readonly Lock _decoding = new();
    private (string Name, RowDecoder Decoder)? _current;

    /// <summary>Finds the quantized weights and checks the shapes of their parts.</summary>
    /// <param name="checkpoint">The files; disposed with this.</param>
    /// <param name="scheme">How they are quantized.</param>
    /// <param name="expected">Names and shapes of the weights of the model.</param>
    /// <param name="mustBe">Whether a module has to be quantized unless the configuration leaves it out.</param>
    /// <exception cref="FormatError">Parts are missing or of another shape, or tensors and configuration contradict each other.</exception>
    public QuantizedWeights(
        Checkpoint checkpoint, QuantizationScheme scheme, IEnumerable<(string Name, ImmutableArray<long> Shape)> expected,
        Func<string, bool> mustBe)
    {
        _checkpoint = checkpoint;
        _scheme = scheme;
        _parts = new TensorParts(checkpoint);
        var modules = new Dictionary<string, QuantizedModule>(StringComparer.Ordinal);
        var weights = new Dictionary<string, StoredWeight>(StringComparer.Ordinal);
        var quantized = new HashSet<string>(StringComparer.Ordinal);
        var parts = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string name, ImmutableArray<long> shape) in expected.Where(weight => weight.Shape.Length > 1))
        {
            string module = ModuleOf(name);
            if (scheme.IsQuantized(module, _parts))
            {
                QuantizedModule found = scheme.Describe(module, shape, _parts);
                modules.Add(name, found);
                quantized.Add(module);
                parts.UnionWith(found.Tensors);
                weights.Add(name, new StoredWeight(
                    name, found.Format, found.Format.Name, shape, checkpoint.FileOf(found.Tensors[0]), name));
            }
            else if (mustBe(module) && !scheme.IsLeftOut(module))
            {
                throw new FormatError(LoadErrorKind.Tensor, checkpoint.File, module + scheme.CodesEnding,
                    "is missing, and quantization_config does not leave this module out");
            }
        }

        foreach ((string name, TensorEntry tensor) in checkpoint.Tensors.Where(tensor => !parts.Contains(tensor.Key)))
        {
            weights.TryAdd(name, checkpoint.Weight(name, tensor));
        }

        _modules = modules.ToFrozenDictionary(StringComparer.Ordinal);
        _quantized = quantized.ToFrozenSet(StringComparer.Ordinal);
        Weights = weights.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public override string File => _checkpoint.File;

    /// <inheritdoc/>
    public override ImmutableArray<WeightFile> Files => _checkpoint.Files;

    /// <inheritdoc/>
    public override FrozenDictionary<string, StoredWeight> Weights { get; }

    /// <inheritdoc/>
    public override bool MeansNothing(StoredWeight weight)
    {
        int dot = weight.Name.LastIndexOf('.');
        return dot > 0 && _quantized.Contains(weight.Name[..dot])
            && _scheme.MeansNothing(weight.Name[..dot], weight.Name[dot..], _checkpoint.Tensors[weight.Name], _parts);
    }

    /// <inheritdoc/>
    public override void Map(IProgress<LoadProgress>? progress, CancellationToken cancellation) => _checkpoint.Map(progress, cancellation);

    /// <inheritdoc/>
    public override nint? AddressOf(StoredWeight weight) =>
        _checkpoint.IsMapped && !_modules.ContainsKey(weight.Name) ? _checkpoint.Address(weight.Name) : null;

    /// <inheritdoc/>
    public override void Read(StoredWeight weight, long offset, Span<byte> destination)
    {
        if (!_modules.TryGetValue(weight.Name, out QuantizedModule? module))
        {
            _checkpoint.Read(weight.Name, offset, destination);
            return;
        }

        RowDecoder decoder = DecoderOf(weight.Name, module);
        int rowBytes = checked((int)weight.Served.BytesOf(weight.Columns));
        float[] row = new float[weight.Columns];
        byte[] bytes = new byte[rowBytes];
        while (!destination.IsEmpty)
        {
            (long at, long within) = Math.DivRem(offset, rowBytes);
            if (module.Format is ZeroedFormat coded)
            {
                decoder.Write((int)at, coded, bytes);
            }
            else
            {
                decoder.Widen((int)at, row);
                Narrow(module.Format, row, bytes);
            }

            int count = (int)Math.Min(destination.Length, rowBytes - within);
            bytes.AsSpan((int)within, count).CopyTo(destination);
            destination = destination[count..];
            offset += count;
        }
    }

    /// <inheritdoc/>
    public override void CheckValues(StoredWeight weight, ReadOnlySpan<byte> blocks, long offset)
    {
        if (_modules.ContainsKey(weight.Name) && weight.Served.FirstNotFinite(blocks) is >= 0 and var at)
        {
            throw weight.Error(
                $"has NaN or infinity at element {(offset / weight.Served.BlockBytes * weight.Served.BlockElements) + at}");
        }
    }

    /// <inheritdoc/>
    public override void Release()
    {
        lock (_decoding)
        {
            _current = null;
        }

        _checkpoint.Release();
    }

    /// <inheritdoc/>
    public override void Dispose() => _checkpoint.Dispose();

    private static string ModuleOf(string weight) =>
        weight.EndsWith(".weight", StringComparison.Ordinal) ? weight[..^".weight".Length] : weight;

    private RowDecoder DecoderOf(string name, QuantizedModule module)
    {
        lock (_decoding)
        {
            if (_current is not { } current || current.Name != name)
            {
                // Before the next is read, so that only one is held.
                _current = null;
                current = (name, module.Load());
                _current = current;
            }

            return current.Decoder;
        }
    }

    private static void Narrow(WeightFormat format, ReadOnlySpan<float> row, Span<byte> bytes)
    {
        if (format == WeightFormat.F32)
        {
            MemoryMarshal.AsBytes(row).CopyTo(bytes);
            return;
        }

        // bf16, and the values are exact in it.
        Span<ushort> halves = MemoryMarshal.Cast<byte, ushort>(bytes);
        for (int i = 0; i < row.Length; i++)
        {
            halves[i] = (ushort)(BitConverter.SingleToUInt32Bits(row[i]) >> 16);
        }
    }
}
