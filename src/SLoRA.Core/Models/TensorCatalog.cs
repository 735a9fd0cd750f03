using System.Globalization;
using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models;

/// <summary>The tensors that a decoder is made of: what a checkpoint has to hold, no less and no more.</summary>
internal static class TensorCatalog
{
    /// <summary>Checks names, shapes and types of a model's weights, from their headers alone.</summary>
    /// <exception cref="FormatError">A tensor is missing, extra, or of another shape or type; kind
    /// <see cref="LoadErrorKind.Tensor"/>.</exception>
    public static void Check(DecoderDescription decoder, WeightStore store)
    {
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach (ExpectedTensor tensor in DecoderModules.Of(decoder).Tensors)
        {
            expected.Add(tensor.Name);
            CheckOne(tensor, store);
        }

        string headWeight = Weight(decoder.Head);
        if (decoder.TiedEmbeddings && store.Weights.ContainsKey(headWeight))
        {
            expected.Add(headWeight);
            CheckOne(new ExpectedTensor(headWeight, decoder.Head.Tensors[0].Shape), store);
        }

        foreach (string name in store.Weights.Keys.Order(StringComparer.Ordinal))
        {
            if (!expected.Contains(name) && !IsOldBuffer(name) && !store.MeansNothing(store.Weights[name])
                && !(decoder.LeavesLaterLayersOut && IsOfLaterLayer(decoder, name))
                && !(decoder.LeavesOut is { } left && name.StartsWith(left, StringComparison.Ordinal)))
            {
                throw store.Explain(name)
                    ?? store.Weights[name].Error($"belongs to no module of the model that {store.Configuration} describes");
            }
        }
    }

    /// <summary>
    /// Checks that a head stored beside tied embeddings is the embedding, by value: one of them may be stored in a wider type.
    /// </summary>
    /// <exception cref="FormatError">It is not: the file promises one model and the configuration another.</exception>
    public static void CheckTiedHead(DecoderDescription decoder, WeightStore store, CancellationToken cancellation)
    {
        const int PieceElements = 1 << 20;
        string headWeight = Weight(decoder.Head), embeddingWeight = Weight(decoder.Embedding);
        if (!decoder.TiedEmbeddings || !store.Weights.TryGetValue(headWeight, out StoredWeight? head))
        {
            return;
        }

        StoredWeight embedding = store.Weights[embeddingWeight];
        WeightFormat headFormat = head.Served, embeddingFormat = embedding.Served;
        // Whole rows, because a row is whole blocks.
        long piece = Math.Max(1, PieceElements / decoder.HiddenSize) * decoder.HiddenSize;
        byte[] left = new byte[headFormat.BytesOf(piece)], right = new byte[embeddingFormat.BytesOf(piece)];
        for (long element = 0; element < head.ElementCount; element += piece)
        {
            cancellation.ThrowIfCancellationRequested();
            long count = Math.Min(piece, head.ElementCount - element);
            ReadOnlySpan<byte> ofHead = Piece(head, headFormat, left, element, count);
            ReadOnlySpan<byte> ofEmbedding = Piece(embedding, embeddingFormat, right, element, count);
            if (ElementComparison.FirstDifference(headFormat, ofHead, embeddingFormat, ofEmbedding) is >= 0 and var at)
            {
                throw head.Error(
                    $"differs from {embeddingWeight} at element {element + at}, although tie_word_embeddings is true; "
                        + "if the head was trained, say false there, otherwise save the model again without it");
            }
        }

        ReadOnlySpan<byte> Piece(StoredWeight weight, WeightFormat format, byte[] buffer, long element, long count)
        {
            Span<byte> bytes = buffer.AsSpan(0, (int)format.BytesOf(count));
            store.Read(weight, format.BytesOf(element), bytes);
            return bytes;
        }
    }

    private static string Weight(Module module) => module.Name + module.Tensors[0].Suffix;

    private static void CheckOne(ExpectedTensor expected, WeightStore store)
    {
        if (!store.Weights.TryGetValue(expected.Name, out StoredWeight? actual))
        {
            throw store.Explain(expected.Name)
                ?? new FormatError(LoadErrorKind.Tensor, store.File, store.NameInFile(expected.Name), "is missing");
        }

        if (!actual.Shape.AsSpan().SequenceEqual(expected.Shape.AsSpan()))
        {
            throw actual.Error(
                $"has shape {actual.ShapeText}, {store.Configuration} asks for [{string.Join(", ", expected.Shape)}]");
        }

        if (expected.IsBytes)
        {
            if (actual.Format != WeightFormat.Bytes)
            {
                throw actual.Error($"has type {actual.Type}; packed weights are U8");
            }

            return;
        }

        WeightFormat format = actual.Format is { } stored && stored != WeightFormat.Bytes
            ? stored
            : throw actual.Error($"has type {actual.Type}; weights are F32, F16 or BF16");
        format.CheckRows(actual.File, actual.NameInFile, actual.Shape);
    }

    private static bool IsOfLaterLayer(DecoderDescription decoder, string name)
    {
        const string Layers = "model.layers.";
        string rest = name.StartsWith(Layers, StringComparison.Ordinal) ? name[Layers.Length..] : "";
        int dot = rest.IndexOf('.');
        return dot > 0 && int.TryParse(rest.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out int layer)
            && layer >= decoder.Layers.Length;
    }

    // Checkpoints of early Llama carry the rotary frequencies, which follow from the configuration and which the reference does not read
    // either.
    private static bool IsOldBuffer(string name) => name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal);
}
