using System.Collections.Immutable;
using SLoRA.Errors;

namespace SLoRA.Formats.Quantization;

/// <summary>
/// Fine-grained FP8: <c>w[o, i] = weight[o, i] · weight_scale_inv[o / R, i / C]</c>, or one scale for the whole weight. It is multiplied,
/// in spite of its name.
/// </summary>
internal sealed class Fp8Scheme : QuantizationScheme
{
    private readonly (int Rows, int Columns)? _block;
    private readonly ImmutableArray<string> _leftOut;

    /// <summary>Reads the configuration.</summary>
    public Fp8Scheme(ConfigObject config)
        : base(config)
    {
        if (config.OptionalString("fmt") is { } format and not ("e4m3" or "float8_e4m3fn"))
        {
            throw config.Refusal("fmt", $"is {Shown.Name(format)}; served is 'e4m3'");
        }

        if (config.OptionalIntOrInts("weight_block_size", 1, int.MaxValue) is { } block)
        {
            _block = block is [int rows, int columns]
                ? (rows, columns)
                : throw config.Error("weight_block_size", $"is {config.Shown("weight_block_size")}, expected two numbers");
        }

        _leftOut = config.OptionalStrings("modules_to_not_convert") ?? [];
    }

    /// <inheritdoc/>
    public override string CodesEnding => ".weight_scale_inv";

    /// <inheritdoc/>
    public override bool IsLeftOut(string module) => Lists(_leftOut, module);

    /// <inheritdoc/>
    public override QuantizedModule Describe(string module, ImmutableArray<long> shape, TensorParts parts)
    {
        (int outputs, int inputs) = Matrix(shape);
        TensorEntry codes = parts.Entry(module + ".weight", TensorType.F8E4M3, outputs, inputs);
        (int rows, int columns) = _block ?? (outputs, inputs);
        string name = module + CodesEnding;
        TensorEntry scales = _block is not null ? parts.Scales(name, Up(outputs, rows), Up(inputs, columns))
            : parts.Entry(name).Shape is [1] ? parts.Scales(name, 1)
            : parts.Scales(name);
        return new QuantizedModule(
            [codes.Name, scales.Name, module + ".activation_scale", module + ".input_scale"],
            () => ScaledRows.OfFloats(parts.Bytes(codes), parts.Numbers(scales), rows, columns));
    }

    private static int Up(int size, int block) => (size + block - 1) / block;
}
