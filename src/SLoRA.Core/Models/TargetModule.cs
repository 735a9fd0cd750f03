using System.Collections.Immutable;

namespace SLoRA.Models;

/// <summary>A module of the model that adapters can target.</summary>
internal sealed record TargetModule
{
    /// <summary>Its place in <see cref="Of"/>: tile directories and kernels know modules by it.</summary>
    public required int Index { get; init; }

    /// <summary>Its name as PEFT sees it, such as <c>model.layers.0.self_attn.q_proj</c>. Its weight in the checkpoint is this and <c>.weight</c>.</summary>
    public required string Name { get; init; }

    /// <summary>How it computes.</summary>
    public required TargetKind Kind { get; init; }

    /// <summary>Its layer; -1 for embedding and head.</summary>
    public required int Layer { get; init; }

    /// <summary>Columns of A. For the embedding the vocabulary.</summary>
    public required int InFeatures { get; init; }

    /// <summary>Rows of B. For the embedding the hidden size.</summary>
    public required int OutFeatures { get; init; }

    /// <summary>All modules of a decoder, in the one order: embedding, then q, k, v, o, gate, up, down of every layer, then the head.</summary>
    public static ImmutableArray<TargetModule> Of(DecoderDescription decoder)
    {
        var modules = ImmutableArray.CreateBuilder<TargetModule>(2 + (7 * decoder.Layers.Length));
        int hidden = decoder.HiddenSize;
        Add(ModuleNames.Embedding, TargetKind.Embedding, -1, decoder.VocabularySize, hidden);
        for (int layer = 0; layer < decoder.Layers.Length; layer++)
        {
            AttentionDescription attention = decoder.Layers[layer].Attention;
            int queries = attention.Heads * attention.HeadDim, keys = attention.KeyValueHeads * attention.HeadDim;
            int intermediate = decoder.Layers[layer].Mlp.IntermediateSize;
            Add(ModuleNames.Query(layer), TargetKind.Linear, layer, hidden, queries);
            Add(ModuleNames.Key(layer), TargetKind.Linear, layer, hidden, keys);
            Add(ModuleNames.Value(layer), TargetKind.Linear, layer, hidden, keys);
            Add(ModuleNames.Output(layer), TargetKind.Linear, layer, queries, hidden);
            Add(ModuleNames.Gate(layer), TargetKind.Linear, layer, hidden, intermediate);
            Add(ModuleNames.Up(layer), TargetKind.Linear, layer, hidden, intermediate);
            Add(ModuleNames.Down(layer), TargetKind.Linear, layer, intermediate, hidden);
        }

        Add(ModuleNames.Head, TargetKind.Head, -1, hidden, decoder.VocabularySize);
        return modules.MoveToImmutable();

        void Add(string name, TargetKind kind, int layer, int inputs, int outputs) => modules.Add(
            new TargetModule { Index = modules.Count, Name = name, Kind = kind, Layer = layer, InFeatures = inputs, OutFeatures = outputs });
    }
}
