using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Formats.Peft;
using SLoRA.Models;

namespace SLoRA.Adapters.Intake;

/// <summary>Which tensors a configuration asks of a module.</summary>
/// <param name="Lora">A and B.</param>
/// <param name="Whole">Its own weight, and its own bias if it has one.</param>
/// <param name="Bias">Its own bias.</param>
/// <param name="Tokens">Rows of its weight, by their numbers; empty for none.</param>
internal sealed record WantedTensors(bool Lora, bool Whole, bool Bias, ImmutableArray<int> Tokens)
{
    /// <summary>Asks a configuration about every module of a model.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="targets">The modules, by index.</param>
    /// <param name="matcher">What it targets.</param>
    /// <param name="pause">Called before each module and each entry of a list, so that others can work meanwhile; null for nobody.</param>
    /// <exception cref="FormatError">It asks for what the model cannot have.</exception>
    public static ImmutableArray<WantedTensors> Of(
        PeftConfig config, ImmutableArray<TargetModule> targets, TargetMatcher matcher, Action? pause = null)
    {
        bool ties = config.EnsureWeightTying && targets.Any(target => target.StoredAs is not null);
        bool tiesLora = ties && targets.Any(target => IsEnd(target) && Targets(target));
        bool tiesWhole = ties && targets.Any(target => IsEnd(target) && IsSaved(config, target));
        ImmutableArray<int>[] tokens = TokensOf(config, targets, pause);
        var wanted = ImmutableArray.CreateBuilder<WantedTensors>(targets.Length);
        foreach (TargetModule target in targets)
        {
            pause?.Invoke();
            bool whole = IsSaved(config, target) || (tiesWhole && IsEnd(target));
            bool lora = !whole && (Targets(target) || (tiesLora && IsEnd(target)));
            bool bias = target.HasBias && (whole || config.Bias == PeftBias.All || (config.Bias == PeftBias.LoraOnly && lora));
            ImmutableArray<int> rows = tokens[target.Index];
            if (!rows.IsEmpty && (whole || lora || target.Kind == TargetKind.Norm || target.HasBias))
            {
                string with = lora ? "LoRA" : whole ? "modules_to_save" : "a bias or a norm";
                throw new FormatError(LoadErrorKind.Incompatible, config.File, "trainable_token_indices",
                    $"trains tokens of {target.Name}, together with {with}: that is not served");
            }

            if (rows.FirstOrDefault(token => token >= RowsOf(target)) is var token and > 0)
            {
                throw new FormatError(LoadErrorKind.Incompatible, config.File, "trainable_token_indices",
                    $"names the token {token}, which {target.Name} of this model does not have: it has {RowsOf(target)}");
            }

            wanted.Add(new WantedTensors(lora, whole, bias, rows));
        }

        return wanted.MoveToImmutable();

        bool Targets(TargetModule target) => AdapterLayout.IsTargeted(target, matcher);
    }

    /// <summary>Rows of the weight of a module.</summary>
    public static int RowsOf(TargetModule target) => target.Kind switch
    {
        TargetKind.Embedding => target.InFeatures,
        TargetKind.Norm => 1,
        _ => target.OutFeatures,
    };

    /// <summary>Columns of the weight of a module.</summary>
    public static int ColumnsOf(TargetModule target) => target.Kind == TargetKind.Embedding ? target.OutFeatures : target.InFeatures;

    /// <summary>The entries of modules_to_save that are the end of no module's name.</summary>
    public static IEnumerable<string> Unused(PeftConfig config, ImmutableArray<TargetModule> targets, Action? pause = null) =>
        config.ModulesToSave.Where(entry =>
        {
            pause?.Invoke();
            return !targets.Any(target => target.Names.Any(name => EndsAt(name, entry)));
        });

    private static bool IsEnd(TargetModule target) => target.Kind is TargetKind.Embedding or TargetKind.Head;

    // Views of heads and parts of parameters are no modules of their own.
    private static bool IsSaved(PeftConfig config, TargetModule target) =>
        target.Kind is not (TargetKind.HeadView or TargetKind.FusedExpert)
        && config.ModulesToSave.Any(entry => target.Names.Any(name => EndsAt(name, entry)));

    /// <summary>
    /// Whether the name of the module, or of one around it, ends with the entry: PEFT looks at letters, not at whole names between dots.
    /// </summary>
    private static bool EndsAt(string name, string entry)
    {
        for (int end = name.Length; end > 0; end = name.LastIndexOf('.', end - 1))
        {
            if (name.AsSpan(0, end).EndsWith(entry, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// The trained rows of each module. Those of the embedding are those of a head that is tied to it, unless it has its own.
    /// </summary>
    /// <exception cref="FormatError">A module that is named is none of the model's, or what is tied has other tokens.</exception>
    public static ImmutableArray<int>[] TokensOf(PeftConfig config, ImmutableArray<TargetModule> targets, Action? pause)
    {
        var tokens = new ImmutableArray<int>[targets.Length];
        Array.Fill(tokens, []);
        foreach ((string? name, ImmutableArray<int> rows) in config.TrainableTokens)
        {
            pause?.Invoke();
            ImmutableArray<TargetModule> modules =
                [.. targets.Where(target => name is null ? target.Kind == TargetKind.Embedding : EndsAt(target.Name, name))];
            if (modules.IsEmpty)
            {
                throw new FormatError(LoadErrorKind.Config, config.File, "trainable_token_indices",
                    $"names {Shown.Name(name!)}, which is no module of this model");
            }

            foreach (TargetModule module in modules)
            {
                tokens[module.Index] = rows;
            }
        }

        foreach (TargetModule head in targets)
        {
            if (head.StoredAs is null)
            {
                continue;
            }

            TargetModule embedding = targets.Single(target => target.Name == head.StoredAs);
            ImmutableArray<int> own = tokens[head.Index], shared = tokens[embedding.Index];
            if (config.EnsureWeightTying && !own.IsEmpty && !shared.IsEmpty && !own.SequenceEqual(shared))
            {
                throw new FormatError(LoadErrorKind.Config, config.File, "trainable_token_indices",
                    "names other tokens for the head than for the embedding, which ensure_weight_tying says are the same");
            }

            tokens[head.Index] = own.IsEmpty ? shared : own;
        }

        return tokens;
    }
}
