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
        var norms = new List<(string Name, int Layer, int Width)>();
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
            Kind = TargetKind.Norm,
            Layer = norm.Layer,
            InFeatures = norm.Width,
            OutFeatures = norm.Width,
            IsTarget = false,
        })]);

        void Add(Module module, string prefix, int layer)
        {
            string name = prefix + module.Name;
            bool isHead = layer < 0 && module == decoder.Head;
            if (!isHead || !decoder.TiedEmbeddings)
            {
                tensors.AddRange(module.Tensors.Select(tensor => new ExpectedTensor(name + tensor.Suffix, tensor.Shape)));
            }

            switch (module)
            {
                case EmbeddingModule embedding:
                    AddTarget(
                        name, TargetKind.Embedding, embedding.Entries, embedding.Width, isTarget: true, hasBias: false, storedAs: null);
                    break;
                case LinearModule linear:
                    string? storedAs = isHead && decoder.TiedEmbeddings ? decoder.HeadWeight.Name : null;
                    AddTarget(name, isHead ? TargetKind.Head : TargetKind.Linear, linear.Inputs, linear.Outputs, linear.IsTarget,
                        linear.HasBias, storedAs);
                    break;
                case ConvolutionModule convolution:
                    AddTarget(
                        name, TargetKind.Convolution, convolution.Kernel, convolution.Channels, isTarget: false, hasBias: false,
                        storedAs: null);
                    break;
                case NormModule { IsCentered: false, WeightOffset: 0 } norm:
                    norms.Add((name, layer, norm.Width));
                    break;
                case NormModule or NumberModule:
                    // No adapter can have its own.
                    break;
                default:
                    throw new InvalidOperationException($"{name} is a {module.GetType().Name}, a kind of module that has no place here.");
            }

            void AddTarget(string name, TargetKind kind, int inputs, int outputs, bool isTarget, bool hasBias, string? storedAs) =>
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
                    Partition = module.Partition,
                });
        }
    }
}

/// <summary>A tensor that a checkpoint has to hold.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its dimensions, outermost first.</param>
internal sealed record ExpectedTensor(string Name, ImmutableArray<long> Shape)
{
    /// <summary>Elements.</summary>
    public long ElementCount => Shape.Aggregate(1L, static (product, size) => product * size);
}
