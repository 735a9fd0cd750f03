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
/// <param name="Modules">The targeted modules with their matrices, in the model's order.</param>
/// <param name="BaseMatrices">The copies of base weights in the file.</param>
/// <param name="UnusedTargets">Names in target_modules that the model lacks.</param>
internal sealed record AdapterLayout(
    ImmutableArray<AdapterModule> Modules, ImmutableArray<BaseMatrix> BaseMatrices, ImmutableArray<string> UnusedTargets)
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

        if (config.UseDora)
        {
            throw DoraRefusal(reader);
        }

        Action? pause = work is null ? null : work.Pause;
        var matcher = new TargetMatcher(config, pause);
        ImmutableArray<TargetModule> targeted =
            [.. targets.Where(target => matcher.Targets(target.Name, target.Kind == TargetKind.Linear))];
        // A configuration that was made of the tensors says nothing that they do not: they are refused themselves.
        if (targeted.IsEmpty && config.Ranks is null)
        {
            throw NothingTargeted(reader, matcher);
        }

        if (targeted.FirstOrDefault(target => !target.IsTarget) is { } closed)
        {
            throw new FormatError(LoadErrorKind.Incompatible, config.File, "target_modules",
                $"targets {closed.Name}, which adapters cannot change in this model");
        }

        CheckLayers(config, targets);
        matcher.CheckPatterns([.. targeted.Select(target => target.Name)]);

        AssignedTensors tensors =
            AssignedTensors.Assign(reader, targets, targeted.Select(target => target.Index).ToHashSet(), matcher, pause);
        var shapes = new ShapeCheck(reader.File, tensors);
        var modules = ImmutableArray.CreateBuilder<AdapterModule>(targeted.Length);
        foreach (TargetModule target in targeted)
        {
            (int rank, double alpha) = matcher.RankAndAlpha(target.Name);
            TensorEntry a = tensors.A(target), b = tensors.B(target);
            shapes.Check(target, a, rank, isA: true);
            shapes.Check(target, b, rank, isA: false);
            modules.Add(new AdapterModule(target, rank, config.Scale(rank, alpha), a, b));
        }

        foreach (BaseMatrix matrix in tensors.BaseMatrices)
        {
            shapes.CheckBase(matrix);
        }

        ImmutableArray<string> unused = matcher.NamesWithoutModule([.. targets.Select(target => target.Name)]);
        return new AdapterLayout(modules.MoveToImmutable(), tensors.BaseMatrices, unused);
    }

    private static FormatError DoraRefusal(AdapterReader reader)
    {
        const string Magnitude = "lora_magnitude_vector";
        return reader.Tensors.Any(tensor => tensor.Name.Contains(Magnitude, StringComparison.Ordinal))
            ? new FormatError(
                LoadErrorKind.Incompatible, reader.Config.File, "use_dora", $"is true: DoRA with its {Magnitude} tensors is not served")
            : new FormatError(LoadErrorKind.Tensor, reader.File, Magnitude, "is missing for every module, although use_dora is true");
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
