using System.Globalization;
using SLoRA.Formats;
using SLoRA.Formats.HuggingFace;
using SLoRA.Models.Blocks;

namespace SLoRA.Models;

/// <summary>The tensors that a decoder is made of: what a checkpoint has to hold, no less and no more.</summary>
internal static class TensorCatalog
{
    /// <summary>Checks names, shapes and types of a checkpoint, from its headers alone.</summary>
    /// <exception cref="FormatError">A tensor is missing, extra, or of another shape or type; kind
    /// <see cref="LoadErrorKind.Tensor"/>.</exception>
    public static void Check(DecoderDescription decoder, Checkpoint checkpoint)
    {
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach (ExpectedTensor tensor in DecoderModules.Of(decoder).Tensors)
        {
            expected.Add(tensor.Name);
            CheckOne(tensor, checkpoint);
        }

        string headWeight = Weight(decoder.Head);
        if (decoder.TiedEmbeddings && checkpoint.Tensors.ContainsKey(headWeight))
        {
            expected.Add(headWeight);
            CheckOne(new ExpectedTensor(headWeight, decoder.Head.Tensors[0].Shape), checkpoint);
        }

        foreach (string name in checkpoint.Tensors.Keys.Order(StringComparer.Ordinal))
        {
            if (!expected.Contains(name) && !IsOldBuffer(name) && !(decoder.LeavesLaterLayersOut && IsOfLaterLayer(decoder, name)))
            {
                throw Foreign(checkpoint) ?? new FormatError(
                    LoadErrorKind.Tensor, checkpoint.FileOf(name), name, "belongs to no module of the model that config.json describes");
            }
        }
    }

    /// <summary>
    /// Checks that a head stored beside tied embeddings is the embedding, by value: one of them may be stored in a wider type.
    /// </summary>
    /// <exception cref="FormatError">It is not: the file promises one model and the configuration another.</exception>
    public static void CheckTiedHead(DecoderDescription decoder, Checkpoint checkpoint, CancellationToken cancellation)
    {
        const int PieceElements = 1 << 20;
        string headWeight = Weight(decoder.Head), embeddingWeight = Weight(decoder.Embedding);
        if (!decoder.TiedEmbeddings || !checkpoint.Tensors.TryGetValue(headWeight, out TensorEntry? head))
        {
            return;
        }

        TensorEntry embedding = checkpoint.Tensors[embeddingWeight];
        WeightFormat headFormat = WeightFormat.Of(head.Type)!, embeddingFormat = WeightFormat.Of(embedding.Type)!;
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
                throw new FormatError(
                    LoadErrorKind.Tensor,
                    checkpoint.FileOf(headWeight),
                    headWeight,
                    $"differs from {embeddingWeight} at element {element + at}, although tie_word_embeddings is true; "
                        + "if the head was trained, say false there, otherwise save the model again without it");
            }
        }

        ReadOnlySpan<byte> Piece(TensorEntry tensor, WeightFormat format, byte[] buffer, long element, long count)
        {
            Span<byte> bytes = buffer.AsSpan(0, (int)format.BytesOf(count));
            checkpoint.Read(tensor.Name, format.BytesOf(element), bytes);
            return bytes;
        }
    }

    private static string Weight(Module module) => module.Name + module.Tensors[0].Suffix;

    private static void CheckOne(ExpectedTensor expected, Checkpoint checkpoint)
    {
        if (!checkpoint.Tensors.TryGetValue(expected.Name, out TensorEntry? actual))
        {
            throw Foreign(checkpoint) ?? new FormatError(LoadErrorKind.Tensor, checkpoint.File, expected.Name, "is missing");
        }

        if (!actual.Shape.AsSpan().SequenceEqual(expected.Shape.AsSpan()))
        {
            throw new FormatError(
                LoadErrorKind.Tensor, checkpoint.FileOf(expected.Name), expected.Name,
                $"has shape {actual.ShapeText}, config.json asks for [{string.Join(", ", expected.Shape)}]");
        }

        if (expected.IsBytes)
        {
            if (actual.Type != TensorType.U8)
            {
                throw new FormatError(LoadErrorKind.Tensor, checkpoint.FileOf(expected.Name), expected.Name,
                    $"has type {actual.Type}; packed weights are U8");
            }

            return;
        }

        WeightFormat format = WeightFormat.Of(actual.Type)
            ?? throw new FormatError(LoadErrorKind.Tensor, checkpoint.FileOf(expected.Name), expected.Name,
                $"has type {actual.Type}; weights are F32, F16 or BF16");
        format.CheckRows(checkpoint.FileOf(expected.Name), expected.Name, actual.Shape);
    }

    /// <summary>
    /// What explains tensors that are missing or too many: the first one that no plain checkpoint has. Null when there is none.
    /// </summary>
    private static FormatError? Foreign(Checkpoint checkpoint)
    {
        foreach (string name in checkpoint.Tensors.Keys.Order(StringComparer.Ordinal))
        {
            if (ForeignWeight.Problem(name) is { } problem)
            {
                return new FormatError(LoadErrorKind.Tensor, checkpoint.FileOf(name), name, problem);
            }
        }

        return null;
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
