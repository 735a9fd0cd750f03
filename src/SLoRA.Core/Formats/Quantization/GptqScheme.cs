using System.Collections.Immutable;
using SLoRA.Errors;

namespace SLoRA.Formats.Quantization;

/// <summary>
/// GPTQ, and AutoRound's files in its layout: <c>w[o, i] = (q[i, o] - z[g, o]) · scales[g, o]</c> with g = g_idx[i]. Codes lie in words of
/// 32 bits along the inputs, zero points along the outputs; files of version 1 store zero points less one.
/// </summary>
internal sealed class GptqScheme : QuantizationScheme
{
    private readonly int _bits;
    private readonly int? _groupSize;
    private readonly bool _isVersion2;
    private readonly bool _hasOrder;
    private readonly bool _namesModules;

    private GptqScheme(ConfigObject config, bool isVersion2)
        : base(config)
    {
        _isVersion2 = isVersion2;
        _bits = config.Int("bits", 1, 32);
        if (_bits is not (2 or 4 or 8))
        {
            throw config.Refusal("bits", $"is {_bits}; served are 2, 4 and 8");
        }

        _groupSize = ReadGroupSize();
        _hasOrder = config.Bool("desc_act", false);
        _namesModules = config.IsOn("modules_in_block_to_quantize");
        RefuseIfOn("lm_head", "dynamic", "extra_config", "is_marlin_format", "adapter");
        if (config.OptionalString("pack_dtype") is { } type and not "int32")
        {
            throw config.Refusal("pack_dtype", $"is {Shown.Name(type)}, served is 'int32'");
        }
    }

    /// <inheritdoc/>
    public override string CodesEnding => ".qweight";

    private int Fields => 32 / _bits;

    /// <summary>Reads the configuration of AutoGPTQ, Optimum or GPTQModel.</summary>
    public static GptqScheme OfGptq(ConfigObject config) => new(config, config.OptionalString("checkpoint_format") switch
    {
        null or "gptq" => false,
        "gptq_v2" => true,
        string other => throw config.Refusal("checkpoint_format", $"is {Shown.Name(other)}; served are 'gptq' and 'gptq_v2'"),
    });

    /// <summary>Reads the configuration of AutoRound.</summary>
    public static GptqScheme OfAutoRound(ConfigObject config)
    {
        if (config.OptionalString("data_type") is { } data and not "int")
        {
            throw config.Refusal("data_type", $"is {Shown.Name(data)}, served is 'int'");
        }

        return new GptqScheme(config, config.String("packing_format") switch
        {
            "auto_round" => true,
            string gptq when gptq.StartsWith("auto_round:", StringComparison.Ordinal) && gptq.Contains("gptq", StringComparison.Ordinal)
                => gptq.Contains("v2", StringComparison.Ordinal)
                    ? throw config.Refusal("packing_format", $"is {Shown.Name(gptq)}, which is not served")
                    : false,
            string other => throw config.Refusal(
                "packing_format", $"is {Shown.Name(other)}; served are 'auto_round' and 'auto_round:auto_gptq'"),
        });
    }

    /// <inheritdoc/>
    public override bool IsLeftOut(string module) => _namesModules;

    /// <inheritdoc/>
    public override QuantizedModule Describe(string module, ImmutableArray<long> shape, TensorParts parts)
    {
        (int outputs, int inputs) = Matrix(shape);
        int group = _groupSize ?? inputs, groups = (inputs + group - 1) / group;
        TensorEntry codes = parts.Entry(module + ".qweight", TensorType.I32, Words(inputs), outputs),
            zeros = parts.Entry(module + ".qzeros", TensorType.I32, groups, Words(outputs)),
            scales = parts.Scales(module + ".scales", groups, outputs);
        string orderName = module + ".g_idx";
        TensorEntry? order = _hasOrder || parts.Has(orderName) ? parts.Entry(orderName, TensorType.I32, inputs) : null;
        ImmutableArray<string> names = [codes.Name, zeros.Name, scales.Name];
        int[] groupOf = ReadOrder(order, inputs, group, groups, parts);
        return new QuantizedModule(
            order is null ? names : names.Add(order.Name), CodedRows.FormatOf(_bits, scales.Type, groupOf), () => new ColumnRows(
                parts.Items<uint>(codes), outputs, _bits, groupOf, ReadZeros(zeros, outputs, parts), parts.Numbers(scales)));
    }

    /// <summary>AutoGPTQ wrote a bias for every module, of zeros where the model has none.</summary>
    /// <inheritdoc/>
    public override bool MeansNothing(string module, string ending, TensorEntry tensor, TensorParts parts)
    {
        if (ending != ".bias" || !tensor.Type.IsWeight())
        {
            return false;
        }

        return parts.Numbers(tensor).All(value => value == 0)
            ? true
            : throw parts.Error(tensor, "is a bias that is not zero, and the model has no place for it");
    }

    private int Words(int codes) => (codes + Fields - 1) / Fields;

    private static int[] ReadOrder(TensorEntry? order, int inputs, int group, int groups, TensorParts parts)
    {
        if (order is null)
        {
            return [.. Enumerable.Range(0, inputs).Select(input => input / group)];
        }

        int[] groupOf = parts.Items<int>(order);
        int at = Array.FindIndex(groupOf, index => index < 0 || index >= groups);
        return at < 0 ? groupOf : throw parts.Error(order, $"has the group {groupOf[at]} at element {at}; there are {groups}");
    }

    private float[] ReadZeros(TensorEntry tensor, int outputs, TensorParts parts)
    {
        uint[] words = parts.Items<uint>(tensor);
        int perGroup = (int)tensor.Shape[1], groups = (int)tensor.Shape[0];
        // One in each field. Carries included: that undoes what was done when the file was written.
        uint one = uint.MaxValue / ((1u << _bits) - 1), mask = (1u << _bits) - 1;
        float[] zeros = new float[groups * outputs];
        for (int i = 0; i < zeros.Length; i++)
        {
            (int g, int output) = Math.DivRem(i, outputs);
            uint word = words[(g * perGroup) + (output / Fields)] + (_isVersion2 ? 0 : one);
            zeros[i] = word >> (_bits * (output % Fields)) & mask;
        }

        return zeros;
    }
}

/// <summary>Codes in words along the inputs, a column for each output.</summary>
/// <param name="codes">Words, [inputs / fields, outputs].</param>
/// <param name="outputs">Outputs.</param>
/// <param name="bits">Bits of a code.</param>
/// <param name="groupOf">The group of each input.</param>
/// <param name="zeros">Zero points, [groups, outputs].</param>
/// <param name="scales">Scales, [groups, outputs].</param>
internal sealed class ColumnRows(uint[] codes, int outputs, int bits, int[] groupOf, float[] zeros, float[] scales) : CodedRows(groupOf)
{
    /// <inheritdoc/>
    protected override void ReadCodes(int row, Span<byte> fields)
    {
        int perWord = 32 / bits;
        uint mask = (1u << bits) - 1;
        for (int i = 0; i < fields.Length; i++)
        {
            fields[i] = (byte)(codes[(i / perWord * outputs) + row] >> (bits * (i % perWord)) & mask);
        }
    }

    /// <inheritdoc/>
    protected override (float Zero, float Scale) ReadScale(int row, int group)
    {
        int at = (group * outputs) + row;
        return (zeros[at], scales[at]);
    }
}
