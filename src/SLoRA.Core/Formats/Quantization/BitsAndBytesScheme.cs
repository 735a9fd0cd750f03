using System.Collections.Immutable;
using SLoRA.Errors;

namespace SLoRA.Formats.Quantization;

/// <summary>
/// bitsandbytes. 4 bits: <c>w[e] = quant_map[code[e]] · A[e / blocksize]</c> over all elements in the order of rows, with scales A that may
/// be quantized themselves. 8 bits: <c>w[o, i] = weight[o, i] · SCB[o] / 127</c>.
/// </summary>
internal sealed class BitsAndBytesScheme : QuantizationScheme
{
    private const string StateStart = ".weight.quant_state.bitsandbytes__";
    private const int NestedCodes = 256;
    private readonly bool _hasFourBits;
    private readonly ImmutableArray<string> _leftOut;

    /// <summary>Reads the configuration.</summary>
    public BitsAndBytesScheme(ConfigObject config)
        : base(config)
    {
        bool four = IsOn("load_in_4bit"), eight = IsOn("load_in_8bit");
        if (four == eight)
        {
            throw config.Error("load_in_4bit", four ? "is true, and so is load_in_8bit" : "is false, and so is load_in_8bit");
        }

        _hasFourBits = four;
        _leftOut = config.OptionalStrings("llm_int8_skip_modules") ?? [];

        // Older files have the names with an underscore alone.
        bool IsOn(string key) => config.Bool(key, config.Bool("_" + key, false));
    }

    /// <inheritdoc/>
    public override string CodesEnding => _hasFourBits ? ".weight.absmax" : ".SCB";

    /// <inheritdoc/>
    public override bool IsLeftOut(string module) => Lists(_leftOut, module);

    /// <inheritdoc/>
    public override QuantizedModule Describe(string module, ImmutableArray<long> shape, TensorParts parts)
    {
        (int outputs, int inputs) = Matrix(shape);
        return _hasFourBits ? DescribeFour(module, outputs, inputs, parts) : DescribeEight(module, outputs, inputs, parts);
    }

    private static QuantizedModule DescribeEight(string module, int outputs, int inputs, TensorParts parts)
    {
        TensorEntry codes = parts.Entry(module + ".weight", TensorType.I8, outputs, inputs),
            scales = parts.Scales(module + ".SCB", outputs);
        ImmutableArray<string> names = [codes.Name, scales.Name];
        string formatName = module + ".weight_format";
        TensorEntry? format = parts.Has(formatName) ? parts.Entry(formatName, TensorType.U8) : null;
        return new QuantizedModule(format is null ? names : names.Add(format.Name), () =>
        {
            if (format is not null && parts.Bytes(format) is [var layout] && layout != 0)
            {
                throw new FormatError(LoadErrorKind.Incompatible, parts.File, format.Name,
                    $"is {layout}: rows in another order, which is not served");
            }

            return ScaledRows.OfIntegers(parts.Bytes(codes), parts.Numbers(scales), 1, inputs, factor: 1f / 127);
        });
    }

    private static QuantizedModule DescribeFour(string module, int outputs, int inputs, TensorParts parts)
    {
        string stateName = parts.NamesFrom(module + StateStart).FirstOrDefault() ?? module + StateStart + "nf4";
        TensorEntry codes = parts.Entry(module + ".weight"), stateTensor = parts.Entry(stateName),
            map = parts.Scales(module + ".weight.quant_map", 16);
        State state = ReadState(stateTensor, parts);
        if (state.Shape is not [var rows, var columns] || rows != outputs || columns != inputs)
        {
            throw parts.Error(codes, $"has the shape [{string.Join(", ", state.Shape)}] by its quant_state, the model asks for "
                + $"[{outputs}, {inputs}]");
        }

        long elements = (long)outputs * inputs, bytes = (elements + 1) / 2;
        // Stored under another type than U8 it has the same bytes, up to a whole element.
        if (codes.Length < bytes || codes.Length >= bytes + sizeof(ulong))
        {
            throw parts.Error(codes, $"has {codes.Length} bytes, {elements} codes of 4 bits take {bytes}");
        }

        long blocks = Up(elements, state.Block);
        string scalesName = module + ".weight.absmax";
        ImmutableArray<string> names = [codes.Name, stateTensor.Name, map.Name, scalesName];
        if (parts.Entry(scalesName).Type != TensorType.U8)
        {
            TensorEntry plain = parts.Scales(scalesName, blocks);
            return new QuantizedModule(
                names, () => new NibbleRows(parts.Bytes(codes), parts.Numbers(map), parts.Numbers(plain), state.Block));
        }

        TensorEntry scales = parts.Entry(scalesName, TensorType.U8, blocks),
            nested = parts.Scales(module + ".weight.nested_absmax", Up(blocks, state.NestedBlock)),
            nestedMap = parts.Scales(module + ".weight.nested_quant_map", NestedCodes);
        return new QuantizedModule(names.AddRange(nested.Name, nestedMap.Name), () => new NibbleRows(
            parts.Bytes(codes), parts.Numbers(map),
            Unnested(parts.Bytes(scales), parts.Numbers(nestedMap), parts.Numbers(nested), state), state.Block));
    }

    private static float[] Unnested(byte[] codes, float[] map, float[] scales, State state)
    {
        float[] result = new float[codes.Length];
        for (int j = 0; j < result.Length; j++)
        {
            result[j] = (map[codes[j]] * scales[j / state.NestedBlock]) + state.NestedOffset;
        }

        return result;
    }

    private static State ReadState(TensorEntry tensor, TensorParts parts)
    {
        try
        {
            ConfigObject state = ConfigDocument.Parse(parts.Bytes(tensor), parts.File, LoadErrorKind.Tensor);
            string type = state.String("quant_type");
            return tensor.Name.EndsWith(type, StringComparison.Ordinal)
                ? new State(
                    state.Int("blocksize", 1, int.MaxValue),
                    state.OptionalIntOrInts("shape", 0, int.MaxValue) ?? [],
                    state.OptionalInt("nested_blocksize", 1, int.MaxValue) ?? NestedCodes,
                    (float)(state.OptionalNumber("nested_offset", float.MinValue, float.MaxValue) ?? 0))
                : throw state.Error("quant_type", $"is {Shown.Name(type)}");
        }
        catch (FormatError error)
        {
            throw parts.Error(tensor, "is wrong: " + error.Message);
        }
    }

    private static long Up(long size, long block) => (size + block - 1) / block;

    private sealed record State(int Block, ImmutableArray<int> Shape, int NestedBlock, float NestedOffset);
}

/// <summary>Codes of four bits in the order of all elements, the first in the upper half of a byte.</summary>
/// <param name="codes">The codes.</param>
/// <param name="map">The value of each code.</param>
/// <param name="scales">A scale for each block.</param>
/// <param name="block">Elements of a block, over the ends of rows.</param>
internal sealed class NibbleRows(byte[] codes, float[] map, float[] scales, int block) : RowDecoder
{
    /// <inheritdoc/>
    public override void Widen(int row, Span<float> values)
    {
        long element = (long)row * values.Length;
        for (int i = 0; i < values.Length; i++, element++)
        {
            int code = codes[element / 2] >> (element % 2 == 0 ? 4 : 0) & 15;
            values[i] = map[code] * scales[element / block];
        }
    }
}
