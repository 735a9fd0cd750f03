using SLoRA.Errors;

namespace SLoRA.Formats.Peft;

/// <summary>
/// Tensors in adapter files that are none of those that are served, told by their names: what such a tensor is, and what to do about it.
/// </summary>
internal static class ForeignTensor
{
    private static readonly string[] Matrices = [".lora_A.", ".lora_B."];

    // Not followed by what modules call their weights.
    private static readonly string[] Vectors =
        [".lora_embedding_A.", ".lora_embedding_B.", ".lora_magnitude_vector.", ".trainable_tokens_delta."];

    // Parts of names, those first that would also contain one further down.
    private static readonly (string Part, LoadErrorKind Kind, string Problem)[] Known =
    [
        (".original_module.", LoadErrorKind.Incompatible,
            "is what the base model had in the place of a module that was trained whole (modules_to_save): save the adapter with PEFT's "
                + "save_pretrained, which leaves it out"),
        (".trainable_tokens_original", LoadErrorKind.Incompatible,
            "is what the base model had in the place of trained rows (trainable_token_indices): save the adapter with PEFT's "
                + "save_pretrained, which leaves it out"),
        (".v_head.", LoadErrorKind.Incompatible,
            "is the value head that TRL trains beside the model, which generating does not use: save the adapter without it"),
        (".lora_a", LoadErrorKind.Incompatible,
            "is named as MLX names matrices, which are read from adapters.safetensors with MLX's adapter_config.json"),
        (".lora_b", LoadErrorKind.Incompatible,
            "is named as MLX names matrices, which are read from adapters.safetensors with MLX's adapter_config.json"),
        (".lora_down", LoadErrorKind.Incompatible, "is named as kohya's trainers name matrices: convert the adapter to PEFT's form"),
        (".lora_up", LoadErrorKind.Incompatible, "is named as kohya's trainers name matrices: convert the adapter to PEFT's form"),
        (".hada_", LoadErrorKind.Incompatible, "is a matrix of LoHa, which is not served"),
        (".lokr_", LoadErrorKind.Incompatible, "is a matrix of LoKr, which is not served"),
    ];

    /// <summary>What a tensor is, as the rest of a sentence that begins with its name; null when it is none of those known.</summary>
    public static (LoadErrorKind Kind, string Problem)? Problem(string tensor)
    {
        foreach ((string part, LoadErrorKind kind, string problem) in Known)
        {
            if (tensor.Contains(part, StringComparison.Ordinal) || tensor.AsSpan().StartsWith(part.AsSpan(1)))
            {
                return (kind, problem);
            }
        }

        return AdapterOf(tensor) is { } adapter
            ? (LoadErrorKind.Tensor, $"is of an adapter that is called {Shown.Name(adapter)} in the program that trained it. Save it with "
                + $"PEFT's save_pretrained, "
                + $"which leaves that name out, or take '.{Shown.Text(adapter)}' out of the names of all tensors")
            : null;
    }

    /// <summary>
    /// What stands between the matrix and the end: <c>.lora_A.NAME.weight</c>, of embeddings, magnitudes and rows of tokens
    /// <c>.lora_embedding_A.NAME</c>.
    /// </summary>
    private static string? AdapterOf(string tensor)
    {
        foreach (string matrix in (string[])[.. Matrices, .. Vectors])
        {
            int at = tensor.IndexOf(matrix, StringComparison.Ordinal);
            if (at < 0)
            {
                continue;
            }

            string rest = tensor[(at + matrix.Length)..];
            return Vectors.Contains(matrix) ? rest : rest.EndsWith(".weight", StringComparison.Ordinal) ? rest[..^".weight".Length] : null;
        }

        return null;
    }
}
