using System.Text.Json;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>The settings of Mamba-2, as Granite 4 and Falcon-H1 name them.</summary>
internal static class MambaConfig
{
    private const string Heads = "mamba_n_heads";
    private const string HeadDim = "mamba_d_head";
    private const string Limit = "time_step_limit";
    private const int MostHeads = 1 << 14;
    private const int WidestHead = 1 << 14;
    private const int Widest = 1 << 24;
    private const int LongestKernel = 1 << 10;

    /// <summary>Reads the block; the norm is the family's own matter.</summary>
    /// <param name="dense">The settings beside.</param>
    /// <param name="width">Columns of all heads.</param>
    public static MambaBlock Read(DenseConfig dense, int width)
    {
        ConfigObject config = dense.Config;
        RefuseLimit(config);
        int heads = config.OptionalInt(Heads, 1, MostHeads) ?? 128;
        if (width % heads != 0)
        {
            throw config.Error(Heads, $"is {heads}, which does not divide the {width} columns of all heads");
        }

        // "auto" is what follows from the others.
        int? stated = config.KindOf(HeadDim) == JsonValueKind.String && config.String(HeadDim) == "auto"
            ? null
            : config.OptionalInt(HeadDim, 1, WidestHead);
        if (stated is { } dim && dim != width / heads)
        {
            throw config.Error(HeadDim, $"is {dim}; {heads} heads of {width} columns have {width / heads} each");
        }

        bool bias = config.Bool("mamba_proj_bias", false);
        return Block(
            config, dense.Hidden, heads, width / heads, config.OptionalInt("mamba_d_state", 1, Recurrence.MostKeyColumns) ?? 256,
            ("mamba_n_groups", config.OptionalInt("mamba_n_groups", 1, MostHeads) ?? 1),
            config.OptionalInt("mamba_d_conv", 2, LongestKernel) ?? 4) with
        {
            ConvolutionBias = config.Bool("mamba_conv_bias", true),
            InputBias = bias,
            OutputBias = bias,
        };
    }

    /// <summary>Columns of all heads of a model that says how much wider than the residual stream they are.</summary>
    public static int Expanded(DenseConfig dense) =>
        (int)Math.Min(Widest, (long)(dense.Config.OptionalInt("mamba_expand", 1, Widest) ?? 2) * dense.Hidden);

    /// <summary>The block of these sizes.</summary>
    public static MambaBlock Block(
        ConfigObject config, int hidden, int heads, int headDim, int stateDim, (string Key, int Count) groups, int kernel) =>
        heads % groups.Count != 0
            ? throw config.Error(groups.Key, $"is {groups.Count}, which does not divide the {heads} heads of Mamba")
            : new MambaBlock
            {
                HiddenSize = hidden,
                Heads = heads,
                HeadDim = headDim,
                StateDim = stateDim,
                Groups = groups.Count,
                Kernel = kernel,
            };

    /// <summary>Steps are not limited: a file may say so, 0 and infinity.</summary>
    private static void RefuseLimit(ConfigObject config)
    {
        if (config.Has(Limit) && config.Shown(Limit).Replace(" ", "", StringComparison.Ordinal)
            is not ("[0.0,{\"__float__\":\"Infinity\"}]" or "[0.0,Infinity]" or "[0,{\"__float__\":\"Infinity\"}]"))
        {
            throw config.Refusal(Limit, $"is {config.Shown(Limit)}; only 0 to infinity is served");
        }
    }
}
