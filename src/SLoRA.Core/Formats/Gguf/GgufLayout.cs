using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;

namespace SLoRA.Formats.Gguf;

/// <summary>Which weights of Hugging Face the tensors of a file are.</summary>
/// <param name="files">The files.</param>
/// <param name="config">What they say about the model.</param>
internal sealed class GgufLayout(GgufFiles files, GgufConfig config)
{
    private const string Query = ".q_proj.";
    private const string Key = ".k_proj.";
    private const string DeltaNet = ".linear_attn.";

    private readonly FrozenDictionary<string, (GgufTensor Tensor, WeightFile File)> _tensors =
        files.Tensors.ToFrozenDictionary(stored => stored.Tensor.Name, StringComparer.Ordinal);

    private GgufArchitecture Architecture => config.Architecture;

    /// <summary>
    /// All weights. A tensor without a name in Hugging Face keeps its own, which no module asks for; what is a part of the configuration is
    /// left out.
    /// </summary>
    public IEnumerable<(string Name, GgufView View)> Weights() =>
        files.Tensors.Where(stored => !config.Consumes(stored.Tensor.Name)).SelectMany(Named).Concat(Numbers());

    private IEnumerable<(string Name, GgufView View)> Named((GgufTensor Tensor, WeightFile File) stored)
    {
        (GgufTensor tensor, WeightFile file) = stored;
        if (Architecture.JoinOf(tensor.Name) is { } join && Parts(tensor.Name, join) is { IsEmpty: false } parts)
        {
            // Under the name of the first; the others go with it.
            return parts[0].Tensor == tensor ? Joined(tensor.Name, join, parts) : [];
        }

        if (Architecture.ExpertsOf(tensor.Name) is not { } experts || tensor.Shape.Length < 2)
        {
            string name = Architecture.TensorOf(tensor.Name) ?? tensor.Name;
            return [(name, View(name, tensor, file))];
        }

        return Enumerable.Range(0, (int)tensor.Shape[0]).Select(expert =>
            (Numbered(experts, expert), (GgufView)new StoredView(Slice(tensor, expert), file)));
    }

    private IEnumerable<(string Name, GgufView View)> Joined(
        string tensor, GgufJoin join, ImmutableArray<(GgufTensor Tensor, WeightFile File)> parts)
    {
        string name = Architecture.NameOf(tensor, join);
        if (join.Order == GgufJoinOrder.KeysAndValuesOfLatent)
        {
            return [(name, new LatentView(parts[0], parts[1]))];
        }

        if (join.Order == GgufJoinOrder.ByKeyHead)
        {
            GgufTensor mixed = parts[0].Tensor;
            return
            [
                (name, new DeltaGroupsView(mixed, parts[0].File, parts[1], config.DeltaHeads)
                {
                    Shape = [mixed.Shape[0] + parts[1].Tensor.Shape[0], .. mixed.Shape.AsSpan(1..)],
                }),
            ];
        }

        bool isInTurn = join.Order == GgufJoinOrder.InTurn;
        return name.Contains("{0}", StringComparison.Ordinal) && parts.All(part => part.Tensor.Shape.Length > 1)
            ? Enumerable.Range(0, (int)parts.Min(part => part.Tensor.Shape[0])).Select(expert =>
                (Numbered(name, expert),
                    (GgufView)new JoinedView([.. parts.Select(part => (Slice(part.Tensor, expert), part.File))], isInTurn)))
            : [(name, new JoinedView(parts, isInTurn))];
    }

    /// <summary>All parts of a weight, if the file has all of them.</summary>
    private ImmutableArray<(GgufTensor Tensor, WeightFile File)> Parts(string tensor, GgufJoin join)
    {
        string[] name = tensor.Split('.');
        string[] parts = [.. join.Parts.Select(part => $"{name[0]}.{name[1]}.{part}.{name[3]}")];
        return parts.All(_tensors.ContainsKey) ? [.. parts.Select(part => _tensors[part])] : [];
    }

    private GgufView View(string name, GgufTensor tensor, WeightFile file) =>
        Architecture.PermutesHeads && (name.Contains(Query, StringComparison.Ordinal) || name.Contains(Key, StringComparison.Ordinal))
            ? new HeadRowsView(tensor, file, config.HeadRows)
            : Architecture.ChangeOf(tensor) is { } change ? new ChangedView(Ordered(name, tensor, file), change)
            : Ordered(name, tensor, file);

    private GgufView Ordered(string name, GgufTensor tensor, WeightFile file)
    {
        int at = name.IndexOf(DeltaNet, StringComparison.Ordinal);
        if (!Architecture.TilesDeltaHeads || at < 0 || config.DeltaHeads is not { Shared: > 1 } heads)
        {
            return new StoredView(tensor, file);
        }

        return name[(at + DeltaNet.Length)..] switch
        {
            "in_proj_qkv.weight" or "conv1d.weight" => new DeltaRowsView(tensor, file, heads, heads.FirstValue, heads.ValueDim),
            "in_proj_z.weight" => new DeltaRowsView(tensor, file, heads, First: 0, heads.ValueDim),
            "in_proj_a.weight" or "in_proj_b.weight" or "dt_bias" or "A_log" => new DeltaRowsView(tensor, file, heads, 0, HeadRows: 1),
            "out_proj.weight" => new DeltaColumnsView(tensor, file, heads),
            _ => new StoredView(tensor, file),
        };
    }

    /// <summary>Numbers of layers that stand among the keys.</summary>
    private IEnumerable<(string Name, GgufView View)> Numbers() =>
        from number in Architecture.Numbers
        from layer in config.ReadLayerNumbers(number.Key).Select((value, at) => (Value: value, At: at))
        let tensor = new GgufTensor(number.Key, GgufTypes.Of(0)!, [1], 0, sizeof(float))
        select ($"{Architecture.Body}layers.{layer.At}.{number.HuggingFace}",
            (GgufView)new NumberView(tensor, files.Tensors[0].File, layer.Value));

    private static GgufTensor Slice(GgufTensor tensor, int expert)
    {
        long bytes = tensor.Length / tensor.Shape[0];
        return tensor with { Shape = tensor.Shape[1..], Begin = tensor.Begin + (expert * bytes), Length = bytes };
    }

    private static string Numbered(string name, int expert) => string.Format(CultureInfo.InvariantCulture, name, expert);
}
