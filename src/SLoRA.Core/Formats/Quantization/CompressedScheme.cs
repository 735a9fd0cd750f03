using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats.Peft;

namespace SLoRA.Formats.Quantization;

/// <summary>
/// compressed-tensors, as llm-compressor writes: <c>w[o, i] = (code - z[o, g]) · weight_scale[o, g]</c>. Codes of few bits are packed along
/// the inputs, those of eight are a tensor of integers or of FP8.
/// </summary>
internal sealed class CompressedScheme : QuantizationScheme
{
    private readonly string _format;
    private readonly string _strategy;
    private readonly int _bits;
    private readonly bool _isSymmetric;
    private readonly bool _hasOrder;
    private readonly int? _groupSize;
    private readonly (int Rows, int Columns) _block;
    private readonly ImmutableArray<string> _ignored;
    private readonly ImmutableArray<PythonRegex> _ignoredExpressions;

    /// <summary>Reads the configuration.</summary>
    public CompressedScheme(ConfigObject config)
        : base(config)
    {
        _format = config.String("format");
        RefuseIfOn("kv_cache_scheme", "transform_config");
        if (config.OptionalString("quantization_status") is { } status and not "compressed")
        {
            throw config.Refusal("quantization_status", $"is {Shown.Name(status)}; served is 'compressed'");
        }

        if (config.OptionalObject("sparsity_config") is { } sparsity && sparsity.OptionalString("format") is { } sparse and not "dense")
        {
            throw config.Refusal("sparsity_config", $"has the format {Shown.Name(sparse)}, which is not served");
        }

        ConfigObject weights = ReadGroup(config);
        _bits = weights.Int("num_bits", 1, 32);
        _strategy = weights.String("strategy");
        _isSymmetric = weights.Bool("symmetric", true);
        _hasOrder = weights.OptionalString("actorder") == "group";
        string type = weights.OptionalString("type") ?? "int";
        CheckKind(weights, type);
        if (_strategy == "group")
        {
            _groupSize = weights.Int("group_size", 1, int.MaxValue);
        }

        if (_strategy == "block")
        {
            _block = weights.OptionalIntOrInts("block_structure", 1, int.MaxValue) is [int rows, int columns]
                ? (rows, columns)
                : throw weights.Error("block_structure", $"is {weights.Shown("block_structure")}, expected two numbers");
        }

        ImmutableArray<string> ignore = config.OptionalStrings("ignore") ?? [];
        var budget = new RegexBudget(null);
        _ignored = [.. ignore.Where(name => !name.StartsWith("re:", StringComparison.Ordinal))];
        _ignoredExpressions = [.. ignore.Except(_ignored).Select(name => PythonRegex.Match(name[3..], budget, config.File, "ignore"))];
    }

    /// <inheritdoc/>
    public override string CodesEnding => IsPacked ? ".weight_packed" : ".weight_scale";

    private bool IsPacked => _format == "pack-quantized";

    /// <inheritdoc/>
    public override bool IsLeftOut(string module) =>
        _ignored.Contains(module) || _ignoredExpressions.Any(expression => expression.IsMatch(module));

    /// <inheritdoc/>
    public override QuantizedModule Describe(string module, ImmutableArray<long> shape, TensorParts parts)
    {
        (int outputs, int inputs) = Matrix(shape);
        if (_groupSize is { } size && inputs % size != 0)
        {
            throw Config.Error("config_groups", $"have a group_size of {size}, which does not divide the {inputs} inputs of {module}");
        }

        return IsPacked ? DescribePacked(module, outputs, inputs, parts) : DescribeBytes(module, outputs, inputs, parts);
    }

    private QuantizedModule DescribePacked(string module, int outputs, int inputs, TensorParts parts)
    {
        int fields = 32 / _bits, group = _groupSize ?? inputs, groups = inputs / group;
        TensorEntry codes = parts.Entry(module + CodesEnding, TensorType.I32, outputs, Up(inputs, fields)),
            scales = parts.Scales(module + ".weight_scale", outputs, groups),
            logical = parts.Entry(module + ".weight_shape", TensorType.I64, 2);
        var names = new List<string> { codes.Name, scales.Name, logical.Name, module + ".input_scale" };
        TensorEntry? order = null, zeros = null;
        string orderName = module + ".weight_g_idx", zerosName = module + ".weight_zero_point";
        if (_hasOrder || parts.Has(orderName))
        {
            order = parts.Entry(orderName, TensorType.I32, inputs);
            names.Add(order.Name);
        }

        if (!_isSymmetric || parts.Has(zerosName))
        {
            // Old files have them unpacked.
            zeros = parts.Entry(zerosName).Type == TensorType.I8
                ? parts.Entry(zerosName, TensorType.I8, outputs, groups)
                : parts.Entry(zerosName, TensorType.I32, Up(outputs, fields), groups);
            names.Add(zeros.Name);
        }

        int[] groupOf = ReadOrder(order, inputs, group, groups, parts);
        return new QuantizedModule([.. names], CodedRows.FormatOf(_bits, scales.Type, groupOf), () =>
        {
            long[] says = parts.Items<long>(logical);
            if (says[0] != outputs || says[1] != inputs)
            {
                throw parts.Error(logical, $"says [{says[0]}, {says[1]}], the model asks for [{outputs}, {inputs}]");
            }

            return new PackedRows(
                parts.Items<uint>(codes), _bits, groupOf, ReadZeros(zeros, outputs, groups, parts), parts.Numbers(scales), groups);
        });
    }

    private QuantizedModule DescribeBytes(string module, int outputs, int inputs, TensorParts parts)
    {
        bool isFloat = _format == "float-quantized";
        TensorEntry codes = parts.Entry(module + ".weight", isFloat ? TensorType.F8E4M3 : TensorType.I8, outputs, inputs);
        (int rows, int columns) = _strategy switch
        {
            "tensor" => (outputs, inputs),
            "channel" => (1, inputs),
            "group" => (1, _groupSize!.Value),
            _ => _block,
        };
        string scalesName = module + CodesEnding, zerosName = module + ".weight_zero_point";
        TensorEntry scales = _strategy == "tensor"
            ? parts.Entry(scalesName).Shape.IsEmpty ? parts.Scales(scalesName) : parts.Scales(scalesName, 1)
            : parts.Scales(scalesName, Up(outputs, rows), Up(inputs, columns));
        TensorEntry? zeros = parts.Has(zerosName) || !_isSymmetric ? parts.Entry(zerosName, TensorType.I8, [.. scales.Shape]) : null;
        return new QuantizedModule([codes.Name, scales.Name, zerosName, module + ".input_scale", module + ".input_zero_point"], () =>
            isFloat
                ? ScaledRows.OfFloats(parts.Bytes(codes), parts.Numbers(scales), rows, columns)
                : ScaledRows.OfIntegers(
                    parts.Bytes(codes), parts.Numbers(scales), rows, columns,
                    zeros is null ? null : [.. parts.Items<sbyte>(zeros).Select(zero => (float)zero)]));
    }

    private ConfigObject ReadGroup(ConfigObject config)
    {
        ConfigObject groups = config.OptionalObject("config_groups") ?? throw config.Error("config_groups", "is missing");
        string[] names = [.. groups.Keys];
        if (names.Length != 1)
        {
            throw config.Refusal("config_groups", $"has {names.Length} groups; served is one");
        }

        ConfigObject group = groups.OptionalObject(names[0]) ?? throw groups.Error(names[0], "is missing");
        if (group.OptionalString("format") is { } format && format != _format)
        {
            throw group.Refusal("format", $"is {Shown.Name(format)}, that of the whole is {Shown.Name(_format)}");
        }

        if (group.OptionalStrings("targets") is not ["Linear"])
        {
            throw group.Refusal("targets", $"is {group.Shown("targets")}; served is [\"Linear\"]");
        }

        return group.OptionalObject("weights") ?? throw group.Error("weights", "is missing");
    }

    private void CheckKind(ConfigObject weights, string type)
    {
        (string expected, bool hasBits, string[] strategies) = _format switch
        {
            "pack-quantized" => ("int", _bits is 2 or 4 or 8, (string[])["group", "channel"]),
            "int-quantized" => ("int", _bits == 8, ["tensor", "channel", "group"]),
            "float-quantized" => ("float", _bits == 8 && _isSymmetric, ["tensor", "channel", "block"]),
            _ => throw Config.Refusal("format", $"is {Shown.Name(_format)}, which is not served; served are 'pack-quantized', "
                + "'int-quantized' and 'float-quantized'"),
        };
        if (type != expected || !hasBits)
        {
            throw weights.Refusal("num_bits", $"is {_bits} of type {Shown.Name(type)}, which is not served as {_format}");
        }

        if (!strategies.Contains(_strategy))
        {
            throw weights.Refusal("strategy", $"is {Shown.Name(_strategy)}, which is not served as {_format}");
        }
    }

    private int[] ReadOrder(TensorEntry? order, int inputs, int group, int groups, TensorParts parts)
    {
        if (order is null)
        {
            return [.. Enumerable.Range(0, inputs).Select(input => input / group)];
        }

        int[] groupOf = parts.Items<int>(order);
        int at = Array.FindIndex(groupOf, index => index < 0 || index >= groups);
        return at < 0 ? groupOf : throw parts.Error(order, $"has the group {groupOf[at]} at element {at}; there are {groups}");
    }

    /// <summary>Zero points with what is added to codes: what is subtracted from the stored fields, [outputs, groups].</summary>
    private float[] ReadZeros(TensorEntry? zeros, int outputs, int groups, TensorParts parts)
    {
        float[] result = new float[outputs * groups];
        float middle = 1 << (_bits - 1);
        if (zeros is null)
        {
            Array.Fill(result, middle);
        }
        else if (zeros.Type == TensorType.I8)
        {
            sbyte[] points = parts.Items<sbyte>(zeros);
            for (int i = 0; i < result.Length; i++)
            {
                result[i] = points[i] >= -middle && points[i] < middle
                    ? middle + points[i]
                    : throw parts.Error(zeros, $"has {points[i]} at element {i}, which is none of {_bits} bits");
            }
        }
        else
        {
            // Packed along the outputs, and stored with the same number added.
            uint[] words = parts.Items<uint>(zeros);
            int fields = 32 / _bits;
            for (int output = 0; output < outputs; output++)
            {
                for (int g = 0; g < groups; g++)
                {
                    uint field = words[(output / fields * groups) + g] >> (_bits * (output % fields)) & ((1u << _bits) - 1);
                    result[(output * groups) + g] = field;
                }
            }
        }

        return result;
    }

    private static int Up(int size, int block) => (size + block - 1) / block;
}

/// <summary>Codes in words along the inputs, a row of words for each output.</summary>
/// <param name="codes">Words, [outputs, ⌈inputs / fields⌉].</param>
/// <param name="bits">Bits of a code.</param>
/// <param name="groupOf">The group of each input.</param>
/// <param name="zeros">What is subtracted from the fields, [outputs, groups].</param>
/// <param name="scales">Scales, [outputs, groups].</param>
/// <param name="groups">Groups of a row.</param>
internal sealed class PackedRows(uint[] codes, int bits, int[] groupOf, float[] zeros, float[] scales, int groups) : CodedRows(groupOf)
{
    /// <inheritdoc/>
    protected override void ReadCodes(int row, Span<byte> values)
    {
        int fields = 32 / bits, words = (values.Length + fields - 1) / fields;
        uint mask = (1u << bits) - 1;
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (byte)(codes[(row * words) + (i / fields)] >> (bits * (i % fields)) & mask);
        }
    }

    /// <inheritdoc/>
    protected override (float Zero, float Scale) ReadScale(int row, int group) =>
        (zeros[(row * groups) + group], scales[(row * groups) + group]);
}
