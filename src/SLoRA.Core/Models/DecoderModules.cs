using System.Collections.Immutable;
using SLoRA.Models.Blocks;

namespace SLoRA.Models;

/// <summary>
/// Every module of a decoder under its full name, in the one order: embedding, the layers' modules as their blocks declare them, the norm
/// before the head, the head. Tensors of the checkpoint and targets of adapters are read off it.
/// </summary>
internal sealed class DecoderModules
{
    private DecoderModules(ImmutableArray<ExpectedTensor> tensors, ImmutableArray<TargetModule> targets, ImmutableArray<TargetModule> norms)
    {
        Tensors = tensors;
        Targets = targets;
        Norms = norms;
    }

    /// <summary>Names and shapes of the tensors that a checkpoint has to hold.</summary>
    public ImmutableArray<ExpectedTensor> Tensors { get; }

    /// <summary>The embedding and every linear module, by index: what tile directories and kernels know modules by.</summary>
    public ImmutableArray<TargetModule> Targets { get; }

    /// <summary>The norms, with the indices behind those of <see cref="Targets"/>.</summary>
    public ImmutableArray<TargetModule> Norms { get; }

    /// <summary>Works them out.</summary>
    public static DecoderModules Of(DecoderDescription decoder)
    {
        var tensors = ImmutableArray.CreateBuilder<ExpectedTensor>();
        var targets = ImmutableArray.CreateBuilder<TargetModule>();
        var norms = new List<(string Name, int Layer, NormModule Module)>();
        Add(decoder.Embedding, prefix: "", layer: -1);
        if (decoder.PerLayerInputs is { } inputs)
        {
            Add(inputs.Table, decoder.Body, layer: -1);
            Add(inputs.Projection, decoder.Body, layer: -1);
            Add(inputs.Norm, decoder.Body, layer: -1);
        }

        for (int layer = 0; layer < decoder.Layers.Length; layer++)
        {
            foreach (Module module in decoder.Layers[layer].Modules)
            {
                Add(module, decoder.Prefix(layer), layer);
            }
        }

        Add(decoder.FinalNorm, decoder.Body, layer: -1);
        Add(decoder.Head, prefix: "", layer: -1);
        return new DecoderModules(tensors.ToImmutable(), targets.ToImmutable(), [.. norms.Select((norm, at) => new TargetModule
        {
            Index = targets.Count + at,
            Name = norm.Name,
            Alias = Elsewhere(norm.Name),
            Kind = TargetKind.Norm,
            Layer = norm.Layer,
            InFeatures = norm.Module.Width,
            OutFeatures = norm.Module.Width,
            IsTarget = false,
            Partition = norm.Module.Partition,
            HasBias = norm.Module.HasBias,
            WeightOffset = norm.Module.WeightOffset,
        })]);

        // The name in another version of the reference, where that calls the body otherwise.
        string? Elsewhere(string name) =>
            decoder.OtherBody is { } other && name.StartsWith(decoder.Body, StringComparison.Ordinal)
                ? other + name[decoder.Body.Length..]
                : null;

        void Add(Module module, string prefix, int layer)
        {
            string name = prefix + module.Name;
            bool isHead = layer < 0 && module == decoder.Head;
            string stored = prefix + module.StoredName;
            tensors.AddRange(module.Tensors
                .Where(tensor => !isHead || !decoder.TiedEmbeddings || tensor.Suffix != ".weight")
                .Select(tensor => new ExpectedTensor(stored + tensor.Suffix, tensor.Shape)
                {
                    IsBytes = module is ExpertModule { Storage: ExpertStorage.Mxfp4 } experts
                        && (tensor.Suffix == experts.Blocks || tensor.Suffix == experts.Scales),
                }));

            switch (module)
            {
                case EmbeddingModule embedding:
                    AddTarget(
                        name, TargetKind.Embedding, embedding.Entries, embedding.Width, isTarget: true, hasBias: false, storedAs: null);
                    break;
                case LinearModule linear:
                    string? storedAs = isHead && decoder.TiedEmbeddings ? decoder.HeadWeight.Name : null;
                    AddTarget(
                        name, isHead ? TargetKind.Head : TargetKind.Linear, linear.Inputs, linear.Outputs, linear.IsTarget, linear.HasBias,
                        storedAs, linear.Alias is { } alias ? prefix + alias : null);
                    break;
                case ExpertModule experts:
                    AddExperts(experts, prefix, layer);
                    break;
                case LatentModule latent:
                    AddLatent(latent, name, layer);
                    break;
                case ConvolutionModule convolution:
                    AddTarget(
                        name, TargetKind.Convolution, convolution.Kernel, convolution.Channels, isTarget: false, hasBias: false,
                        storedAs: null);
                    break;
                case NormModule norm:
                    norms.Add((name, layer, norm));
                    break;
                case VectorModule or NumberModule:
                    // No adapter can have its own.
                    break;
                default:
                    throw new InvalidOperationException($"{name} is a {module.GetType().Name}, a kind of module that has no place here.");
            }

            void AddTarget(
                string name, TargetKind kind, int inputs, int outputs, bool isTarget, bool hasBias, string? storedAs,
                string? alias = null) =>
                targets.Add(new TargetModule
                {
                    Index = targets.Count,
                    Name = name,
                    Kind = kind,
                    Layer = layer,
                    InFeatures = inputs,
                    OutFeatures = outputs,
                    IsTarget = isTarget,
                    HasBias = hasBias,
                    StoredAs = storedAs,
                    Alias = alias ?? Elsewhere(name),
                    Partition = module.Partition,
                });
        }

        void AddLatent(LatentModule module, string name, int layer)
        {
            int first = targets.Count + 1;
            var views = new HeadViews(first, first + module.Heads, module.Heads, module.KeyColumns, module.ValueColumns);
            targets.Add(new TargetModule
            {
                Index = targets.Count,
                Name = name,
                Kind = TargetKind.Linear,
                Layer = layer,
                InFeatures = module.Inputs,
                OutFeatures = module.Outputs,
                Views = views,
                Partition = module.Partition,
            });
            for (int i = 0; i < 2 * module.Heads; i++)
            {
                bool isKey = i < module.Heads;
                targets.Add(new TargetModule
                {
                    Index = targets.Count,
                    Name = $"{name}.{(isKey ? "key" : "value")}.{i % module.Heads}",
                    Kind = TargetKind.HeadView,
                    Layer = layer,
                    InFeatures = isKey ? module.KeyColumns : module.Inputs,
                    OutFeatures = isKey ? module.Inputs : module.ValueColumns,
                });
            }
        }

        void AddExperts(ExpertModule module, string prefix, int layer)
        {
            var parameter = new ExpertParameter(
                prefix + module.Name, Alias(""), module.Parameter, module.Place, module.Experts,
                module.Inputs, module.Outputs, module.Order);
            for (int part = 0; part < module.Parts; part++)
            {
                AddOfEach(TargetKind.Expert, module.PartOutputs, module.Parts == 1 ? parameter : null, e => module.Part(e, part));
            }

            if (module.Parts > 1)
            {
                AddOfEach(TargetKind.FusedExpert, module.Outputs, parameter, e => $".{e}.{module.Parameter}");
            }

            string? Alias(string behind) =>
                module.Alias is { } alias ? prefix + alias + behind : Elsewhere(prefix + module.Name + behind);

            void AddOfEach(TargetKind kind, int outputs, ExpertParameter? parameter, Func<int, string> name)
            {
                for (int expert = 0; expert < module.Experts; expert++)
                {
                    targets.Add(new TargetModule
                    {
                        Index = targets.Count,
                        Name = prefix + module.Name + name(expert),
                        Alias = Alias(name(expert)),
                        Kind = kind,
                        Layer = layer,
                        InFeatures = module.Inputs,
                        OutFeatures = outputs,
                        Parameter = parameter,
                        Owner = new ShardOfUnit(module.Owners, expert),
                    });
                }
            }
        }
    }
}

/// <summary>A tensor that a checkpoint has to hold.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its dimensions, outermost first.</param>
internal sealed record ExpectedTensor(string Name, ImmutableArray<long> Shape)
{
    /// <summary>Whether its elements are bytes of a packed format instead of weights.</summary>
    public bool IsBytes { get; init; }

    /// <summary>Elements.</summary>
    public long ElementCount => Shape.Aggregate(1L, static (product, size) => product * size);
}
