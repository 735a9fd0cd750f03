using System.Text.Json;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// Reads the rotary embedding of a configuration: form 4 (<c>rope_theta</c> beside <c>rope_scaling</c>, whose kind is under
/// <c>rope_type</c> or <c>type</c>) or form 5 (everything under <c>rope_parameters</c>).
/// </summary>
internal static class RopeConfig
{
    private const string Theta = "rope_theta";
    private const string OriginalLength = "original_max_position_embeddings";
    private const double DefaultTheta = 10000;
    private const double Largest = 1e30;

    public static RopeDescription Read(ConfigObject config, int headDim, int context)
    {
        ConfigObject? form4 = config.OptionalObject("rope_scaling"), form5 = config.OptionalObject("rope_parameters");
        if (form4 is not null && form5 is not null)
        {
            throw config.Error("rope_scaling", "is given beside rope_parameters; one of them must go");
        }

        ConfigObject? rope = form5 ?? form4;
        double theta = ReadTheta(config, rope);
        if (rope is null)
        {
            return new RopeDescription { InverseFrequencies = RopeFrequencies.Default(theta, headDim) };
        }

        RefuseVariants(rope);
        string kindKey = rope.Has("rope_type") ? "rope_type" : "type";
        string kind = rope.OptionalString(kindKey) ?? "default";
        if (rope.OptionalString("type") is { } older && older != kind)
        {
            throw rope.Refusal("type", $"is {Shown.Name(older)}, but rope_type is {Shown.Name(kind)}");
        }

        return kind switch
        {
            "default" => new RopeDescription { InverseFrequencies = RopeFrequencies.Default(theta, headDim) },
            "linear" => new RopeDescription { InverseFrequencies = RopeFrequencies.Linear(theta, headDim, Factor(rope)) },
            "llama3" => Llama3(config, rope, theta, headDim, context),
            "yarn" => Yarn(config, rope, theta, headDim, context),
            _ => throw rope.Refusal(kindKey, $"is {Shown.Name(kind)}; served are 'default', 'linear', 'llama3' and 'yarn'"),
        };
    }

    private static RopeDescription Llama3(ConfigObject config, ConfigObject rope, double theta, int headDim, int context)
    {
        double low = rope.Number("low_freq_factor", double.Epsilon, Largest),
            high = rope.Number("high_freq_factor", double.Epsilon, Largest);
        if (high <= low)
        {
            throw rope.Error("high_freq_factor", $"is {high:R}, not above low_freq_factor {low:R}");
        }

        int original = Original(config, rope, context);
        return new RopeDescription { InverseFrequencies = RopeFrequencies.Llama3(theta, headDim, Factor(rope), low, high, original) };
    }

    private static RopeDescription Yarn(ConfigObject config, ConfigObject rope, double theta, int headDim, int context)
    {
        double factor = Factor(rope);
        if (theta <= 1)
        {
            throw config.Error(Theta, $"is {theta:R}; yarn needs more than 1");
        }

        // As in the reference, 0 counts as not set.
        double fast = NonZero(rope, "beta_fast") ?? 32, slow = NonZero(rope, "beta_slow") ?? 1;
        if (fast < slow)
        {
            throw rope.Error("beta_fast", $"is {fast:R}, less than beta_slow {slow:R}");
        }

        double magnitude = rope.OptionalNumber("attention_factor", 0, Largest)
            ?? (NonZero(rope, "mscale") is { } one && NonZero(rope, "mscale_all_dim") is { } all
                ? RopeFrequencies.YarnMagnitude(factor, one) / RopeFrequencies.YarnMagnitude(factor, all)
                : RopeFrequencies.YarnMagnitude(factor));
        return new RopeDescription
        {
            InverseFrequencies =
                RopeFrequencies.Yarn(theta, headDim, factor, fast, slow, Original(config, rope, context), rope.Bool("truncate", true)),
            AttentionFactor = (float)magnitude,
        };
    }

    private static double ReadTheta(ConfigObject config, ConfigObject? rope)
    {
        double? outside = config.OptionalNumber(Theta, double.Epsilon, Largest),
            inside = rope?.OptionalNumber(Theta, double.Epsilon, Largest);
        if (outside is not null && inside is not null && outside != inside)
        {
            throw config.Error(Theta, $"is {outside:R}, but {inside:R} beside the rope type");
        }

        return inside ?? outside ?? DefaultTheta;
    }

    private static double Factor(ConfigObject rope) => rope.Number("factor", double.Epsilon, Largest);

    private static double? NonZero(ConfigObject rope, string key) =>
        rope.OptionalNumber(key, 0, Largest) is { } value and not 0 ? value : null;

    private static int Original(ConfigObject config, ConfigObject rope, int context)
    {
        // Form 4 of some families has the length outside; the reference prefers that place, so two lengths in one file are two models.
        int? inside = rope.OptionalInt(OriginalLength, 1, int.MaxValue), outside = config.OptionalInt(OriginalLength, 1, int.MaxValue);
        if (inside is not null && outside is not null && inside != outside)
        {
            throw config.Error(OriginalLength, $"is {outside}, but {inside} beside the rope type");
        }

        return inside ?? outside ?? context;
    }

    private static void RefuseVariants(ConfigObject rope)
    {
        if (rope.Has("partial_rotary_factor") && !rope.IsNumber("partial_rotary_factor", 1))
        {
            throw rope.Refusal("partial_rotary_factor", $"is {rope.Shown("partial_rotary_factor")}, only 1 is served");
        }

        foreach (string key in rope.Keys)
        {
            if (key is "mrope_section" or "llama_4_scaling_beta" && rope.Has(key))
            {
                throw rope.Refusal(key, $"is {rope.Shown(key)}, which is not served");
            }

            if (rope.KindOf(key) == JsonValueKind.Object)
            {
                throw rope.Refusal(key, "is a rotation of its own for some layers, which is not served");
            }
        }
    }
}
