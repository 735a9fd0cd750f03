using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models.Blocks;
using SLoRA.Step;

namespace SLoRA.Models.Families;

/// <summary>The settings that mixtures of experts share, read with bounds.</summary>
internal static class ExpertsConfig
{
    private const int Widest = 1 << 24;

    /// <summary>How many experts there are, under the first of these keys that the file has, and how many a row chooses.</summary>
    public static (int Experts, int Chosen) Read(
        ConfigObject config, ImmutableArray<string> keys, int experts, int chosen, string chosenKey = "num_experts_per_tok")
    {
        string key = keys.FirstOrDefault(config.Has) ?? keys[0];
        int all = config.OptionalInt(key, 1, Routing.MostExperts) ?? experts;
        int some = config.OptionalInt(chosenKey, 1, Routing.MostChosen) ?? chosen;
        return some <= all ? (all, some) : throw config.Error(chosenKey, $"is {some}, more than the {all} experts of {key}");
    }

    /// <summary>A width.</summary>
    public static int Width(ConfigObject config, string key, int otherwise) => config.OptionalInt(key, 1, Widest) ?? otherwise;

    /// <summary>Which layers have experts by the rule of Qwen: not those listed, and of the others every n-th.</summary>
    public static ImmutableArray<bool> SparseLayers(ConfigObject config, int layers)
    {
        ImmutableArray<int> dense = config.OptionalIntOrInts("mlp_only_layers", 0, int.MaxValue) ?? [];
        int step = config.OptionalInt("decoder_sparse_step", 1, int.MaxValue) ?? 1;
        return [.. Enumerable.Range(0, layers).Select(layer => !dense.Contains(layer) && (layer + 1) % step == 0)];
    }

    /// <summary>Experts as most checkpoints store them, one by one as <c>gate_proj</c>, <c>up_proj</c>, <c>down_proj</c>.</summary>
    /// <param name="dense">The settings beside.</param>
    /// <param name="routing">How rows choose.</param>
    /// <param name="intermediate">Width of an expert.</param>
    /// <param name="name">What the checkpoint calls the block within its layer.</param>
    /// <param name="router">What it calls the router.</param>
    /// <param name="alias">What adapters may call the block besides.</param>
    /// <param name="parts">What it calls gate, up and down.</param>
    public static ExpertsBlock Block(
        DenseConfig dense, Routing routing, int intermediate, string name = "mlp", string router = "gate", string? alias = null,
        (string Gate, string Up, string Down)? parts = null)
    {
        (string gate, string up, string down) = parts ?? ("gate_proj", "up_proj", "down_proj");
        string? experts = alias is null ? null : $"{alias}.experts";
        return new ExpertsBlock
        {
            HiddenSize = dense.Hidden,
            Routing = routing,
            Router = new LinearModule($"{name}.{router}", routing.Experts, dense.Hidden)
            {
                Alias = alias is null ? null : $"{alias}.{router}",
            },
            GateUp = new ExpertModule($"{name}.experts", "gate_up_proj", gate, up, routing.Experts, intermediate, dense.Hidden)
            {
                Alias = experts,
            },
            Down = new ExpertModule($"{name}.experts", "down_proj", down, null, routing.Experts, dense.Hidden, intermediate)
            {
                Alias = experts,
                Place = 1,
            },
            Activation = dense.Gate ?? throw Activations.Refusal(dense.Config),
        };
    }
}
