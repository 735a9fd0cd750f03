using System.Collections.Immutable;
using SLoRA.Errors;

namespace SLoRA.Formats.Quantization;

/// <summary>
/// AWQ in the layout of its <c>gemm</c> version: <c>w[o, i] = (q[i, o] - z[i / group, o]) · scales[i / group, o]</c>. Eight outputs share a
/// word, in the order 0 2 4 6 1 3 5 7.
/// </summary>
internal sealed class AwqScheme : QuantizationScheme
{
    private const int Fields = 8;
    private readonly int? _groupSize;
    private readonly ImmutableArray<string> _leftOut;

    /// <summary>Reads the configuration.</summary>
    public AwqScheme(ConfigObject config)
        : base(config)
    {
        if (config.OptionalString("version") is { } version && !version.Equals("gemm", StringComparison.OrdinalIgnoreCase))
        {
            throw config.Refusal("version", $"is {Shown.Name(version)}, which is laid out in another way; served is 'gemm'");
        }

        if (config.Int("bits", 1, 32) is var bits and not 4)
        {
            throw config.Refusal("bits", $"is {bits}; served is 4");
        }

        if (!config.Bool("zero_point", true))
        {
            throw config.Refusal("zero_point", "is false, which is not served");
        }

        RefuseIfOn("lm_head");
        _groupSize = ReadGroupSize();
        _leftOut = config.OptionalStrings("modules_to_not_convert") ?? [];
    }

    /// <inheritdoc/>
    public override string CodesEnding => ".qweight";

    // Where in a word the output 8 c + j is.
    private static ReadOnlySpan<byte> FieldOf => [0, 4, 1, 5, 2, 6, 3, 7];

    /// <inheritdoc/>
    public override bool IsLeftOut(string module) => Lists(_leftOut, module);

    /// <inheritdoc/>
    public override QuantizedModule Describe(string module, ImmutableArray<long> shape, TensorParts parts)
    {
        (int outputs, int inputs) = Matrix(shape);
        int group = _groupSize ?? inputs;
        if (inputs % group != 0)
        {
            throw Config.Error("group_size", $"is {group}, which does not divide the {inputs} inputs of {module}");
        }

        TensorEntry codes = parts.Entry(module + ".qweight", TensorType.I32, inputs, outputs / Fields),
            zeros = parts.Entry(module + ".qzeros", TensorType.I32, inputs / group, outputs / Fields),
            scales = parts.Scales(module + ".scales", inputs / group, outputs);
        int[] groupOf = [.. Enumerable.Range(0, inputs).Select(input => input / group)];
        return new QuantizedModule([codes.Name, zeros.Name, scales.Name], CodedRows.FormatOf(4, scales.Type, groupOf), () => new Rows(
            parts.Items<uint>(codes), parts.Items<uint>(zeros), parts.Numbers(scales), outputs, groupOf));
    }

    private sealed class Rows(uint[] codes, uint[] zeros, float[] scales, int outputs, int[] groupOf) : CodedRows(groupOf)
    {
        protected override void ReadCodes(int row, Span<byte> fields)
        {
            int words = outputs / Fields, word = row / Fields, shift = 4 * FieldOf[row % Fields];
            for (int i = 0; i < fields.Length; i++)
            {
                fields[i] = (byte)(codes[(i * words) + word] >> shift & 15);
            }
        }

        protected override (float Zero, float Scale) ReadScale(int row, int group)
        {
            uint word = zeros[(group * (outputs / Fields)) + (row / Fields)];
            return (word >> (4 * FieldOf[row % Fields]) & 15, scales[(group * outputs) + row]);
        }
    }
}
