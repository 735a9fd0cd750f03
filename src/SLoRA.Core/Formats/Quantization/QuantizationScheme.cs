using System.Collections.Immutable;
using SLoRA.Errors;

namespace SLoRA.Formats.Quantization;

/// <summary>How a checkpoint keeps its quantized weights: what <c>quantization_config</c> says, read and checked.</summary>
/// <param name="config">The object <c>quantization_config</c>.</param>
internal abstract class QuantizationScheme(ConfigObject config)
{
    private const string Key = "quantization_config";

    /// <summary>The object <c>quantization_config</c>, for errors.</summary>
    protected ConfigObject Config { get; } = config;

    /// <summary>What is written behind the name of a quantized module, for the tensor that has its codes.</summary>
    public abstract string CodesEnding { get; }

    /// <summary>Reads the configuration of a model.</summary>
    /// <param name="root">The root of config.json.</param>
    /// <returns>Null if the model is not quantized.</returns>
    /// <exception cref="FormatError">It is incomplete or impossible, or asks for what is not served.</exception>
    public static QuantizationScheme? Read(ConfigObject root)
    {
        if (!root.IsOn(Key) || root.OptionalObject(Key) is not { } config)
        {
            return null;
        }

        string method = config.String("quant_method");
        return method switch
        {
            "gptq" => GptqScheme.OfGptq(config),
            "auto-round" => GptqScheme.OfAutoRound(config),
            "awq" => new AwqScheme(config),
            "compressed-tensors" => new CompressedScheme(config),
            "fp8" => new Fp8Scheme(config),
            "bitsandbytes" => new BitsAndBytesScheme(config),
            "mxfp4" => new Mxfp4Scheme(config),
            _ => throw config.Refusal("quant_method", $"is {Shown.Name(method)}, which is not served; served are 'gptq', 'auto-round', "
                + "'awq', 'compressed-tensors', 'fp8', 'bitsandbytes' and 'mxfp4'"),
        };
    }

    /// <summary>Whether the tensors say that a module is quantized.</summary>
    /// <param name="module">Its name: that of its weight without <c>.weight</c>.</param>
    /// <param name="parts">The tensors.</param>
    public virtual bool IsQuantized(string module, TensorParts parts) => parts.Has(module + CodesEnding);

    /// <summary>Whether the configuration lists a module as one that stays as it was.</summary>
    public abstract bool IsLeftOut(string module);

    /// <summary>Checks the tensors of a quantized module.</summary>
    /// <param name="module">Its name.</param>
    /// <param name="shape">The shape of its weight in the model.</param>
    /// <param name="parts">The tensors.</param>
    /// <exception cref="FormatError">They are not what the configuration and the model promise.</exception>
    public abstract QuantizedModule Describe(string module, ImmutableArray<long> shape, TensorParts parts);

    /// <summary>Whether a tensor of a quantized module, which the model has no place for, means nothing.</summary>
    /// <exception cref="FormatError">It would change the result.</exception>
    public virtual bool MeansNothing(string module, string ending, TensorEntry tensor, TensorParts parts) => false;

    /// <summary>Refuses settings that change what is stored, unless they say that they do nothing.</summary>
    protected void RefuseIfOn(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
        {
            if (Config.IsOn(key))
            {
                throw Config.Refusal(key, $"is {Config.Shown(key)}, which is not served");
            }
        }
    }

    /// <summary>Inputs that share a scale; null for all of them, which the file says by -1.</summary>
    protected int? ReadGroupSize()
    {
        // Readers of these files differ in what they take where it is missing.
        int size = Config.OptionalInt("group_size", -1, int.MaxValue) ?? throw Config.Refusal("group_size", "is missing, and not guessed");
        return size == 0 ? throw Config.Error("group_size", "is 0") : size < 0 ? null : size;
    }

    /// <summary>Names of modules, or ends or inner parts of names between dots.</summary>
    protected static bool Lists(ImmutableArray<string> names, string module) =>
        names.Any(name => ("." + module + ".").Contains("." + name + ".", StringComparison.Ordinal));

    /// <summary>Rows and columns of a weight that must be a matrix.</summary>
    protected static (int Outputs, int Inputs) Matrix(ImmutableArray<long> shape) => (checked((int)shape[0]), checked((int)shape[1]));
}
