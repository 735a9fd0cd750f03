using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats.Peft;

namespace SLoRA.Formats.Mlx;

/// <summary>
/// Gates and ups of experts, in models where both are one matrix whose rows are those of the one and of the other in turn. Their B A
/// together are one of twice the rank.
/// </summary>
/// <param name="file">The name that errors call the file by.</param>
/// <param name="experts">What the model calls them.</param>
/// <param name="rank">The rank of each.</param>
internal sealed class MlxGates(string file, MlxExperts experts, int rank)
{
    private readonly Dictionary<string, Layer> _layers = new(StringComparer.Ordinal);

    /// <summary>Takes a matrix of every expert; gives none as yet.</summary>
    /// <exception cref="FormatError">It has that of this role already.</exception>
    public IEnumerable<MlxTensor> Take(MlxPlace place, MlxExpertPart part, PeftTensorRole role, ImmutableArray<TensorEntry> ofEach)
    {
        if (!_layers.TryGetValue(place.Prefix, out Layer? layer))
        {
            _layers.Add(place.Prefix, layer = new Layer(place));
        }

        ref ImmutableArray<TensorEntry>? own = ref (role == PeftTensorRole.A ? layer.A : layer.B)[(int)part];
        if (own is { } other)
        {
            throw new FormatError(
                LoadErrorKind.Tensor, file, ofEach[0].Name, $"and {Shown.Name(other[0].Name)} are both for {place.Prefix}{experts.Name}");
        }

        own = ofEach;
        return [];
    }

    /// <summary>The matrices of gate and up together.</summary>
    /// <exception cref="FormatError">One has no A or no B, or both differ in what must be equal.</exception>
    public IEnumerable<MlxTensor> Tensors()
    {
        foreach (Layer layer in _layers.Values)
        {
            int count = Check(layer);
            for (int expert = 0; expert < count; expert++)
            {
                string module = experts.Module(layer.Place.Prefix, MlxExpertPart.Gate, expert);
                yield return Together(layer.A, expert, new PeftTensorKey(module, PeftTensorRole.A));
                yield return Together(layer.B, expert, new PeftTensorKey(module, PeftTensorRole.B));
            }
        }
    }

    /// <summary>How many experts all of its matrices are for.</summary>
    private int Check(Layer layer)
    {
        for (int part = 0; part < layer.A.Length; part++)
        {
            if (layer.A[part] is null != layer.B[part] is null)
            {
                bool hasA = layer.A[part] is not null;
                throw new FormatError(LoadErrorKind.Tensor, file, (layer.A[part] ?? layer.B[part])!.Value[0].Name,
                    $"has no {(hasA ? "lora_b" : "lora_a")} beside it");
            }
        }

        ImmutableArray<TensorEntry>[] all = [.. layer.A.Concat(layer.B).OfType<ImmutableArray<TensorEntry>>()];
        return Array.Find(all, other => other.Length != all[0].Length) is { IsDefault: false } other
            ? throw Error(all[0][^1], other[^1], "numbers of experts")
            : all[0].Length;
    }

    private MlxTensor Together(ImmutableArray<TensorEntry>?[] parts, int expert, PeftTensorKey key)
    {
        TensorEntry? gate = parts[0]?[expert], up = parts[1]?[expert];
        TensorEntry one = (gate ?? up)!;
        if (gate is not null && up is not null && (gate.Type != up.Type || !gate.Shape.SequenceEqual(up.Shape)))
        {
            throw Error(gate, up, "types or shapes");
        }

        bool isA = key.Role == PeftTensorRole.A;
        ImmutableArray<long> shape = isA ? [2L * rank, one.Shape[1]] : [2 * one.Shape[0], 2L * rank];
        string name = gate is null || up is null ? one.Name : $"{gate.Name} and {up.Name}";
        var entry = new TensorEntry(name, one.Type, shape, one.Begin, one.Length * (isA ? 2 : 4));
        return new MlxTensor(entry, key, isA ? MlxForm.Behind : MlxForm.InTurn, gate, up);
    }

    private FormatError Error(TensorEntry one, TensorEntry other, string what) => new(
        LoadErrorKind.Tensor, file, other.Name, $"and {Shown.Name(one.Name)} are of different {what}, although the model has them as one");

    private sealed record Layer(MlxPlace Place)
    {
        public ImmutableArray<TensorEntry>?[] A { get; } = new ImmutableArray<TensorEntry>?[2];

        public ImmutableArray<TensorEntry>?[] B { get; } = new ImmutableArray<TensorEntry>?[2];
    }
}
