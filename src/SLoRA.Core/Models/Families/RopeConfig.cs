using System.Collections.Immutable;
using System.Text.Json;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>
/// Reads the rotary embedding of a configuration: form 4 (<c>rope_theta</c> beside <c>rope_scaling</c>, whose kind is under
/// <c>rope_type</c> or <c>type</c>) or form 5 (everything under <c>rope_parameters</c>, in some families once for each type of layer).
/// </summary>
internal static class RopeConfig
{
    private const string Form4 = "rope_scaling";
    private const string Form5 = "rope_parameters";
    private const string Theta = "rope_theta";
    private const string Share = "partial_rotary_factor";
    private const string OriginalLength = "original_max_position_embeddings";
    private const double Largest = 1e30;

    /// <summary>The rotation of a family whose layers all have the same.</summary>
    public static RopeDescription Read(ConfigObject config, RopeLayout layout)
    {
        ConfigObject? rope = Settings(config);
        return Read(config, rope, layout, ReadTheta(config, rope) ?? layout.Theta);
    }

    /// <summary>
    /// The rotations of a family in which full and windowed layers have their own. In form 4 the kind of rotation is that of full layers,
    /// and windowed ones have a plain rotation of their own base.
    /// </summary>
    /// <param name="config">The root of config.json.</param>
    /// <param name="layout">What full layers are, and windowed ones unless <paramref name="windowedLayout"/> says otherwise.</param>
    /// <param name="windowedThetaKey">The key of form 4 for the base of windowed layers; null if they have that of full layers.</param>
    /// <param name="windowedTheta">The base of windowed layers without the key.</param>
    /// <param name="windowedLayout">What windowed layers are, where that differs.</param>
    public static (RopeDescription Full, RopeDescription Windowed) ReadKinds(
        ConfigObject config, RopeLayout layout, string? windowedThetaKey, double windowedTheta, RopeLayout? windowedLayout = null)
    {
        windowedLayout ??= layout;
        ConfigObject? rope = Settings(config);
        if (config.OptionalObject(Form5) is { } kinds && kinds.Keys.Any(key => kinds.KindOf(key) == JsonValueKind.Object))
        {
            foreach (string key in kinds.Keys)
            {
                if (kinds.Has(key) && (key is not ("full_attention" or "sliding_attention") || kinds.KindOf(key) != JsonValueKind.Object))
                {
                    throw kinds.Refusal(key, "stands beside the rotations of full_attention and sliding_attention");
                }
            }

            ConfigObject? full = kinds.OptionalObject("full_attention"), windowed = kinds.OptionalObject("sliding_attention");
            return (Read(config, full, layout, ReadTheta(config, full) ?? layout.Theta),
                Read(config, windowed, windowedLayout, windowed?.OptionalNumber(Theta, double.Epsilon, Largest) ?? windowedTheta));
        }

        double theta = ReadTheta(config, rope) ?? layout.Theta;
        double local = windowedThetaKey is null
            ? theta
            : config.OptionalNumber(windowedThetaKey, double.Epsilon, Largest) ?? windowedTheta;
        return (Read(config, rope, layout, theta), Read(config, rope: null, windowedLayout, local));
    }

    private static ConfigObject? Settings(ConfigObject config)
    {
        ConfigObject? form4 = config.OptionalObject(Form4), form5 = config.OptionalObject(Form5);
        if (form4 is not null && form5 is not null)
        {
            throw config.Error(Form4, $"is given beside {Form5}; one of them must go");
        }

        return form5 ?? form4;
    }

    private static RopeDescription Read(ConfigObject config, ConfigObject? rope, RopeLayout layout, double theta)
    {
        int columns = Columns(config, rope, layout);
        if (columns == 0)
        {
            return RopeDescription.None;
        }

        RopeDescription read = rope is null && layout.HasProportional
            ? new RopeDescription { InverseFrequencies = RopeFrequencies.Proportional(theta, columns, layout.Share) }
            : rope is null ? new RopeDescription { InverseFrequencies = RopeFrequencies.Default(theta, columns) }
            : Read(config, rope, layout, theta, columns);
        return layout.AdjacentPairs ? read with { AdjacentPairs = true } : read;
    }

    private static RopeDescription Read(ConfigObject config, ConfigObject rope, RopeLayout layout, double theta, int columns)
    {
        RefuseVariants(rope, layout);
        string kindKey = rope.Has("rope_type") ? "rope_type" : "type";
        string kind = rope.OptionalString(kindKey) ?? "default";
        if (rope.OptionalString("type") is { } older && older != kind)
        {
            throw rope.Refusal("type", $"is {Shown.Name(older)}, but rope_type is {Shown.Name(kind)}");
        }

        return kind switch
        {
            "default" => new RopeDescription { InverseFrequencies = RopeFrequencies.Default(theta, columns) },
            "linear" => new RopeDescription { InverseFrequencies = RopeFrequencies.Linear(theta, columns, Factor(rope)) },
            "llama3" => Llama3(config, rope, theta, columns, layout.Context),
            "yarn" => Yarn(config, rope, theta, columns, layout.Context),
            "dynamic" when layout.HasAlpha && rope.IsOn("alpha") => Alpha(rope, theta, columns),
            "dynamic" => Dynamic(rope, theta, columns, layout.Context),
            "proportional" when layout.HasProportional => Proportional(rope, theta, layout),
            "longrope" when layout.HasLongRope => LongRope(config, rope, theta, columns, layout.Context),
            _ => throw rope.Refusal(
                kindKey, $"is {Shown.Name(kind)}; served are 'default', 'linear', 'llama3', 'yarn'"
                + $"{(layout.HasLongRope ? ", 'dynamic' and 'longrope'" : " and 'dynamic'")}"),
        };
    }

    private static int Columns(ConfigObject config, ConfigObject? rope, RopeLayout layout)
    {
        if (!layout.IsPartial)
        {
            return layout.HeadDim;
        }

        double? inside = rope?.OptionalNumber(Share, 0, 1), outside = config.OptionalNumber(Share, 0, 1);
        if (inside is not null && outside is not null && inside != outside)
        {
            throw config.Error(Share, $"is {outside:R}, but {inside:R} beside the rope type");
        }

        int columns = (int)(layout.HeadDim * (inside ?? outside ?? layout.Share));
        return columns % 2 == 0
            ? columns
            : throw config.Error(Share, $"leaves {columns} columns of a head to turn; rotation needs an even number");
    }

    private static RopeDescription Llama3(ConfigObject config, ConfigObject rope, double theta, int columns, int context)
    {
        double low = rope.Number("low_freq_factor", double.Epsilon, Largest),
            high = rope.Number("high_freq_factor", double.Epsilon, Largest);
        if (high <= low)
        {
            throw rope.Error("high_freq_factor", $"is {high:R}, not above low_freq_factor {low:R}");
        }

        int original = Original(config, rope) ?? context;
        return new RopeDescription { InverseFrequencies = RopeFrequencies.Llama3(theta, columns, Factor(rope), low, high, original) };
    }

    private static RopeDescription Yarn(ConfigObject config, ConfigObject rope, double theta, int columns, int context)
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
            InverseFrequencies = RopeFrequencies.Yarn(
                theta, columns, factor, fast, slow, Original(config, rope) ?? context, rope.Bool("truncate", true)),
            AttentionFactor = (float)magnitude,
        };
    }

    private static RopeDescription Dynamic(ConfigObject rope, double theta, int columns, int context)
    {
        if (columns <= 2)
        {
            throw rope.Refusal("rope_type", "is 'dynamic', which needs more than two columns of a head that turn");
        }

        return new RopeDescription
        {
            InverseFrequencies = RopeFrequencies.Default(theta, columns),
            Lengths = new DynamicLengths(theta, columns, Factor(rope), context),
        };
    }

    private static RopeDescription Alpha(ConfigObject rope, double theta, int columns)
    {
        double alpha = rope.Number("alpha", double.Epsilon, Largest);
        return new RopeDescription
        {
            InverseFrequencies = RopeFrequencies.Default(theta * Math.Pow(alpha, columns / (columns - 2.0)), columns),
        };
    }

    private static RopeDescription Proportional(ConfigObject rope, double theta, RopeLayout layout)
    {
        if (rope.Has("factor") && !rope.IsNumber("factor", 1))
        {
            throw rope.Refusal("factor", $"is {rope.Shown("factor")}, only 1 is served with 'proportional'");
        }

        double share = rope.OptionalNumber(Share, 0, 1) ?? layout.Share;
        return new RopeDescription { InverseFrequencies = RopeFrequencies.Proportional(theta, layout.HeadDim, share) };
    }

    private static RopeDescription LongRope(ConfigObject config, ConfigObject rope, double theta, int columns, int context)
    {
        int? stated = Original(config, rope);
        int original = stated ?? context;
        double stretch = (double)context / original;
        if (rope.OptionalNumber("factor", double.Epsilon, Largest) is { } factor && factor != stretch)
        {
            if (stated is not null)
            {
                throw rope.Refusal("factor", $"is {factor:R}, but the context is {stretch:R} times {OriginalLength}");
            }

            stretch = factor;
        }

        double magnitude = rope.OptionalNumber("attention_factor", 0, Largest)
            ?? (stretch <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(stretch) / Math.Log(original))));
        return new RopeDescription
        {
            InverseFrequencies = RopeFrequencies.Stretched(theta, columns, Factors(rope, "short_factor", columns)),
            Lengths = new LongRopeLengths(RopeFrequencies.Stretched(theta, columns, Factors(rope, "long_factor", columns)), original),
            AttentionFactor = (float)magnitude,
        };
    }

    private static ImmutableArray<double> Factors(ConfigObject rope, string key, int columns)
    {
        ImmutableArray<double> factors = rope.OptionalNumbers(key, double.Epsilon, Largest) ?? throw rope.Error(key, "is missing");
        return factors.Length == columns / 2
            ? factors
            : throw rope.Error(key, $"has {factors.Length} entries; {columns / 2} pairs of a head turn");
    }

    private static double? ReadTheta(ConfigObject config, ConfigObject? rope)
    {
        double? outside = config.OptionalNumber(Theta, double.Epsilon, Largest),
            inside = rope?.OptionalNumber(Theta, double.Epsilon, Largest);
        if (outside is not null && inside is not null && outside != inside)
        {
            throw config.Error(Theta, $"is {outside:R}, but {inside:R} beside the rope type");
        }

        return inside ?? outside;
    }

    private static double Factor(ConfigObject rope) => rope.Number("factor", double.Epsilon, Largest);

    private static double? NonZero(ConfigObject rope, string key) =>
        rope.OptionalNumber(key, 0, Largest) is { } value and not 0 ? value : null;

    private static int? Original(ConfigObject config, ConfigObject rope)
    {
        // Form 4 of some families has the length outside; the reference prefers that place, so two lengths in one file are two models.
        int? inside = rope.OptionalInt(OriginalLength, 1, int.MaxValue), outside = config.OptionalInt(OriginalLength, 1, int.MaxValue);
        if (inside is not null && outside is not null && inside != outside)
        {
            throw config.Error(OriginalLength, $"is {outside}, but {inside} beside the rope type");
        }

        return inside ?? outside;
    }

    private static void RefuseVariants(ConfigObject rope, RopeLayout layout)
    {
        if (!layout.IsPartial && !layout.HasProportional && rope.Has(Share) && !rope.IsNumber(Share, 1))
        {
            throw rope.Refusal(Share, $"is {rope.Shown(Share)}, only 1 is served");
        }

        foreach (string key in rope.Keys)
        {
            bool isVariant = key switch
            {
                "mrope_section" => !layout.HasSections,
                "llama_4_scaling_beta" => !layout.HasQueryScale,
                _ => false,
            };
            if (isVariant && rope.Has(key))
            {
                throw rope.Refusal(key, $"is {rope.Shown(key)}, which is not served");
            }

            if (rope.KindOf(key) == JsonValueKind.Object)
            {
                throw rope.Refusal(key, "is a rotation of its own for some layers, which this architecture does not have");
            }
        }
    }
}
