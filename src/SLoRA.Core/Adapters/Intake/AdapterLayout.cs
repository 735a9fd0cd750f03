using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Formats.Peft;
using SLoRA.Models;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// How the tensors of a file and the modules of a model belong together. Everything must come out even: each tensor has a targeted
/// module, each targeted module has A and B of the shapes that configuration and model ask for.
/// </summary>
/// <param name="Parts">The targeted modules with their matrices, and what is done to modules besides.</param>
/// <param name="BaseMatrices">The copies of base weights in the file.</param>
/// <param name="UnusedTargets">Names in target_modules and modules_to_save that the model lacks.</param>
internal sealed record AdapterLayout(
    AdapterParts Parts, ImmutableArray<BaseMatrix> BaseMatrices, ImmutableArray<string> UnusedTargets)
{
    /// <summary>Matches an adapter with a model.</summary>
    /// <param name="reader">The adapter.</param>
    /// <param name="targets">The modules of the model that can have LoRA.</param>
    /// <param name="work">Lets others work between tensors, names and patterns, and ends the matching when nobody wants it any more; null
    /// for nobody.</param>
    /// <exception cref="FormatError">Something is left over, missing, or of the wrong shape or type.</exception>
    public static AdapterLayout Match(AdapterReader reader, ImmutableArray<TargetModule> targets, PacedWork? work = null)
    {
        PeftConfig config = reader.Config;
        if (reader.Tensors.IsEmpty)
        {
            throw new FormatError(LoadErrorKind.Tensor, reader.File, null, "holds no tensors");
        }

        Action? pause = work is null ? null : work.Pause;
        targets = GrownVocabulary.Targets(reader, targets, pause);
        var matcher = new TargetMatcher(config, pause);
        ImmutableArray<WantedTensors> wanted = WantedTensors.Of(config, targets, matcher, pause);
        ImmutableArray<TargetModule> targeted = [.. targets.Where(target => wanted[target.Index].Lora)];
        Dictionary<ExpertParameter, int> firstTargets = FirstTargets(targets);
        ImmutableArray<ExpertParameter> parameters = [.. firstTargets.OrderBy(pair => pair.Value).Select(pair => pair.Key)];
        ImmutableArray<ExpertParameter> fused = [.. parameters.Where(parameter => parameter.Names.Any(matcher.TargetsParameter))];
        // A configuration that was made of the tensors says nothing that they do not: they are refused themselves.
        if (targeted.IsEmpty && fused.IsEmpty && config.Ranks is null)
        {
            throw NothingTargeted(reader, matcher);
        }

        if (targeted.FirstOrDefault(target => !target.IsTarget) is { } closed)
        {
            throw new FormatError(LoadErrorKind.Incompatible, config.File, "target_modules",
                $"targets {closed.Name}, which adapters cannot change in this model");
        }

        CheckWhole(config, targets, wanted);
        CheckEmbeddings(config, targeted);
        CheckInvocation(config, targets);
        CheckLatents(config, targeted);
        CheckLayers(config, targets);
        matcher.CheckPatterns([.. targeted.SelectMany(PatternNames), .. fused.SelectMany(parameter => parameter.Names)]);

        var fusedTensors = new FusedTensors(reader.File, parameters, fused);
        AssignedTensors tensors =
            AssignedTensors.Assign(reader, targets, wanted, matcher, fusedTensors, pause);
        HashSet<string> expertNames = tensors.ExpertNames();
        targeted =
            [.. targeted.Where(target => target.Kind != TargetKind.Expert || expertNames.Contains(AssignedTensors.LastName(target)))];
        var shapes = new ShapeCheck(reader.File, tensors);
        var modules = ImmutableArray.CreateBuilder<AdapterModule>(targeted.Length);
        foreach (TargetModule target in targeted)
        {
            (int rank, double alpha) = matcher.RankAndAlpha([.. PatternNames(target)]);
            TensorEntry a = tensors.A(target), b = tensors.B(target);
            shapes.Check(target, a, rank, isA: true);
            shapes.Check(target, b, rank, isA: false);
            modules.Add(new AdapterModule(target, rank, config.Scale(rank, alpha), a, b));
        }

        foreach (ExpertParameter parameter in fused)
        {
            (int rank, double alpha) = matcher.RankAndAlpha([.. parameter.Names]);
            ImmutableArray<TargetModule> experts = targets.Slice(firstTargets[parameter], parameter.Experts);
            modules.AddRange(fusedTensors.Modules(parameter, experts, config, rank, alpha));
        }

        modules.Sort((one, other) => one.Target.Index.CompareTo(other.Target.Index));
        CheckOnce(reader, modules);
        foreach (BaseMatrix matrix in tensors.BaseMatrices)
        {
            shapes.CheckBase(matrix);
        }

        ImmutableArray<string> unused =
        [
            .. matcher.NamesWithoutModule([.. targets.SelectMany(target => target.Names)]),
            .. matcher.NamesWithoutParameter(
                [.. parameters.SelectMany(parameter => parameter.Names), .. targets.SelectMany(target => target.Names).Select(Weight)]),
            .. WantedTensors.Unused(config, targets, pause),
        ];
        HashSet<int> withLora = [.. targeted.Select(target => target.Index)];
        ImmutableArray<AdapterChange> changes =
        [
            .. targets.Select(target => Change(
                    target, targets, wanted[target.Index] with { Lora = withLora.Contains(target.Index) }, config, tensors, shapes))
                .Where(change => !change.IsNothing),
        ];
        CheckChanges(config, changes);
        var parts = new AdapterParts(modules.ToImmutable(), changes, config.InvocationTokens)
        {
            AddedTokens = GrownVocabulary.AddedTokens(targets),
        };
        return new AdapterLayout(parts, tensors.BaseMatrices, unused);
    }

    /// <summary>
    /// Whether an adapter targets a module under one of its names, or its weight. Modules of single experts are only asked for if the file
    /// has some: the same names mean the shared expert or dense layers to adapters that have none.
    /// </summary>
    public static bool IsTargeted(TargetModule target, TargetMatcher matcher) =>
        target.Kind is not (TargetKind.FusedExpert or TargetKind.HeadView)
        && target.Names.Any(name => matcher.Targets(name, target.Kind == TargetKind.Linear)
            || (target.Kind == TargetKind.Linear && matcher.TargetsParameter(Weight(name))));

    /// <summary>The module of expert 0 of each parameter; those of the other experts follow.</summary>
    private static Dictionary<ExpertParameter, int> FirstTargets(ImmutableArray<TargetModule> targets)
    {
        var first = new Dictionary<ExpertParameter, int>(ReferenceEqualityComparer.Instance);
        for (int i = 0; i < targets.Length; i++)
        {
            if (targets[i].Parameter is { } parameter)
            {
                first.TryAdd(parameter, i);
            }
        }

        return first;
    }

    private static IEnumerable<string> PatternNames(TargetModule target) => target.Names.Concat(target.Names.Select(Weight));

    private static string Weight(string module) => module + ".weight";

    private static void CheckOnce(AdapterReader reader, IReadOnlyList<AdapterModule> modules)
    {
        for (int i = 1; i < modules.Count; i++)
        {
            if (modules[i].Target.Index == modules[i - 1].Target.Index)
            {
                throw new FormatError(
                    LoadErrorKind.Tensor, reader.File, modules[i].A.Name,
                    $"and {Shown.Name(modules[i - 1].A.Name)} are both for {modules[i].Target.Name}");
            }
        }
    }

    /// <summary>
    /// PEFT has neither DoRA nor biases for LoRA on parameters; the products of experts and of latents take nothing but LoRA.
    /// </summary>
    private static void CheckChanges(PeftConfig config, ImmutableArray<AdapterChange> changes)
    {
        if (!config.TargetParameters.IsEmpty && (config.UseDora || config.LoraBias))
        {
            throw new FormatError(LoadErrorKind.Incompatible, config.File, "target_parameters",
                $"is set together with {(config.UseDora ? "use_dora" : "lora_bias")}, which PEFT does not have for parameters");
        }

        if (changes.FirstOrDefault(change => change.Target.IsOfExpert || change.Target.Views is not null) is { } closed)
        {
            string option = closed.Magnitude is not null ? "use_dora"
                : closed.LoraBias is not null ? "lora_bias"
                : closed.Bias is not null ? "bias"
                : "modules_to_save";
            throw new FormatError(LoadErrorKind.Incompatible, config.File, option,
                $"changes {closed.Target.Name}, which adapters can change by LoRA alone");
        }
    }

    private static AdapterChange Change(
        TargetModule target, ImmutableArray<TargetModule> targets, WantedTensors wanted, PeftConfig config, AssignedTensors tensors,
        ShapeCheck shapes)
    {
        var change = new AdapterChange(target)
        {
            Rows = wanted.Whole ? Tied(PeftTensorRole.Weight) : wanted.Tokens.IsEmpty ? null : Tied(PeftTensorRole.TokenRows),
            Ids = wanted.Tokens,
            Bias = wanted.Bias ? tensors.Required(target, PeftTensorRole.Bias) : null,
            LoraBias = wanted.Lora && config.LoraBias ? tensors.Required(target, PeftTensorRole.LoraBias) : null,
            Magnitude = wanted.Lora && config.UseDora ? tensors.Required(target, PeftTensorRole.Magnitude) : null,
        };
        shapes.Check(change);
        return target.AddedTokens == 0 || wanted.Whole ? change : WithAdded(change, config, targets, tensors);

        // What is tied may be stored once, under the embedding's name.
        TensorEntry Tied(PeftTensorRole role) =>
            target.StoredAs is { } other && tensors.Find(target, role) is null
                ? tensors.Required(targets.Single(embedding => embedding.Name == other), role)
                : tensors.Required(target, role);
    }

    /// <summary>The rows of added tokens that are not among the trained ones: those of the stored weight.</summary>
    private static AdapterChange WithAdded(
        AdapterChange change, PeftConfig config, ImmutableArray<TargetModule> targets, AssignedTensors tensors)
    {
        TargetModule target = change.Target;
        string? option = change.Magnitude is not null ? "use_dora"
            : target.HasBias ? "a bias"
            : !config.InvocationTokens.IsEmpty ? "alora_invocation_tokens"
            : null;
        if (option is not null)
        {
            throw new FormatError(LoadErrorKind.Incompatible, config.File, option,
                $"and {target.AddedTokens} tokens more than the model has, in {target.Name}: they are not served together");
        }

        if (change.Ids.Count(id => id >= change.FirstAdded) == target.AddedTokens)
        {
            return change;
        }

        TensorEntry added = tensors.CopyOf(target)
            ?? tensors.CopyOf(targets.Single(embedding => embedding.Name == target.StoredAs))!;
        return change.Rows is null || change.Rows.Type == added.Type ? change with { Added = added } : throw new FormatError(
            LoadErrorKind.Tensor, tensors.File, added.Name,
            $"has the type {added.Type} and {Shown.Name(change.Rows.Name)} {change.Rows.Type}: rows of one module have one type");
    }

    private static void CheckWhole(PeftConfig config, ImmutableArray<TargetModule> targets, ImmutableArray<WantedTensors> wanted)
    {
        if (targets.FirstOrDefault(target => wanted[target.Index].Whole && target is { IsTarget: false, Kind: not TargetKind.Norm })
            is { } closed)
        {
            throw new FormatError(LoadErrorKind.Incompatible, config.File, "modules_to_save",
                $"has {closed.Name}, which adapters cannot change in this model");
        }
    }

    private static void CheckEmbeddings(PeftConfig config, ImmutableArray<TargetModule> targeted)
    {
        string? option = config.LoraBias ? "lora_bias" : !config.InvocationTokens.IsEmpty ? "alora_invocation_tokens" : null;
        if (option is not null && targeted.FirstOrDefault(target => target.Kind == TargetKind.Embedding) is { } embedding)
        {
            throw new FormatError(LoadErrorKind.Incompatible, config.File, option,
                $"is set, which PEFT has for linear modules only: {embedding.Name} is an embedding");
        }
    }

    /// <summary>An adapter whose invocation no prompt can have would answer as the base does, always.</summary>
    private static void CheckInvocation(PeftConfig config, ImmutableArray<TargetModule> targets)
    {
        int vocabulary = targets.FirstOrDefault(target => target.Kind == TargetKind.Embedding)?.InFeatures ?? int.MaxValue;
        foreach (int token in config.InvocationTokens)
        {
            if (token >= vocabulary)
            {
                throw new FormatError(LoadErrorKind.Incompatible, config.File, "alora_invocation_tokens",
                    $"names the token {token}, which this model does not have: it has {vocabulary}");
            }
        }
    }

    /// <summary>
    /// Keys and values of a latent are made anew for every query, of all positions alike: those before an invocation would be changed too.
    /// </summary>
    private static void CheckLatents(PeftConfig config, ImmutableArray<TargetModule> targeted)
    {
        if (!config.InvocationTokens.IsEmpty && targeted.FirstOrDefault(target => target.Views is not null) is { } latent)
        {
            throw new FormatError(LoadErrorKind.Incompatible, config.File, "alora_invocation_tokens",
                $"is set and {latent.Name} is targeted: it makes keys and values of all positions, of those before the invocation too");
        }
    }

    /// <summary>
    /// If the targets are modules that the file has tensors for, the adapter is for another model; if not, the targets are wrong.
    /// </summary>
    private static FormatError NothingTargeted(AdapterReader reader, TargetMatcher matcher)
    {
        bool targetsItself = reader.Tensors
            .Select(reader.KeyOf)
            .Any(key => key is { } parsed && matcher.Targets(parsed.Module, isInnerLinear: true));
        PeftConfig.NamePattern? names = reader.Config.TargetModules;
        string shown = names is null ? "the default"
            : names.Expression is { } expression ? Shown.Name(expression)
            : Shown.Names(names.Names);
        return new FormatError(
            targetsItself ? LoadErrorKind.Incompatible : LoadErrorKind.Config,
            reader.Config.File,
            "target_modules",
            $"({shown}) " + (targetsItself
                ? "are modules of another architecture: this model has none of them"
                : "match no module of this model"));
    }

    private static void CheckLayers(PeftConfig config, ImmutableArray<TargetModule> targets)
    {
        int layers = targets.Max(target => target.Layer) + 1;
        foreach (int layer in config.LayersToTransform)
        {
            if (layer >= layers)
            {
                throw new FormatError(
                    LoadErrorKind.Incompatible, config.File, "layers_to_transform", $"names the layer {layer}, the model has {layers}");
            }
        }
    }
}
