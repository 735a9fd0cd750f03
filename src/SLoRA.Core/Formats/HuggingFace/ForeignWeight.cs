namespace SLoRA.Formats.HuggingFace;

/// <summary>Tensors that no plain checkpoint of a model has, told by their names: what such a tensor is, and what to do about it.</summary>
internal static class ForeignWeight
{
    private static readonly (string Part, string Problem)[] Known =
    [
        (".lora_", "is a matrix of an adapter: save the model and its adapter each by itself, or merge the adapter into it"),
        ("base_model.model.", "is named as PEFT names the modules that it wraps: save the model unwrapped, after merge_and_unload"),
        (".qweight", "is a quantized weight, which is not served: take the model in float16, bfloat16 or float32"),
        (".qzeros", "is a part of a quantized weight, which is not served: take the model in float16, bfloat16 or float32"),
        (".weight_scale", "is a part of a quantized weight, which is not served: take the model in float16, bfloat16 or float32"),
        (".weight.absmax", "is a part of a quantized weight, which is not served: take the model in float16, bfloat16 or float32"),
        (".scales", "is a part of a quantized weight, which is not served: take the model in float16, bfloat16 or float32"),
        ("language_model.", "is of a model for images or sound beside text, which is not served"),
        ("vision_tower.", "is of a model for images beside text, which is not served"),
        ("_fsdp_wrapped_module.", "is named as sharded training names modules: save the model unwrapped"),
        ("_orig_mod.", "is named as torch.compile names modules: save the model that was compiled, unwrapped"),
    ];

    /// <summary>What a tensor is, as the rest of a sentence that begins with its name; null when it is none of those known.</summary>
    public static string? Problem(string tensor) =>
        Known.FirstOrDefault(known => tensor.Contains(known.Part, StringComparison.Ordinal)).Problem;

    /// <summary>What explains tensors that are missing or too many: the first such tensor; null when there is none.</summary>
    public static FormatError? Of(Checkpoint checkpoint)
    {
        foreach (string name in checkpoint.Tensors.Keys.Order(StringComparer.Ordinal))
        {
            if (Problem(name) is { } problem)
            {
                return new FormatError(LoadErrorKind.Tensor, checkpoint.FileOf(name), name, problem);
            }
        }

        return null;
    }
}
