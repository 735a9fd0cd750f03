namespace SLoRA.Formats.Peft;

/// <summary>What a tensor of an adapter file is to its module.</summary>
internal enum PeftTensorRole
{
    /// <summary><c>lora_A</c> of a linear module, [rank, in].</summary>
    A,

    /// <summary><c>lora_B</c> of a linear module, [out, rank].</summary>
    B,

    /// <summary><c>lora_embedding_A</c>, [rank, vocabulary].</summary>
    EmbeddingA,

    /// <summary><c>lora_embedding_B</c>, [hidden, rank].</summary>
    EmbeddingB,

    /// <summary>A copy of the module's own weight.</summary>
    Base,
}

/// <summary>The name of a tensor in an adapter file, taken apart.</summary>
/// <param name="Module">The module's name, without the prefixes of PEFT and of wrappers that trainers put around modules.</param>
/// <param name="Role">What the tensor is to that module.</param>
internal readonly record struct PeftTensorKey(string Module, PeftTensorRole Role)
{
    private const string PeftPrefix = "base_model.model.";

    // Longest first where one ends like another.
    private static readonly (string Ending, PeftTensorRole Role)[] Endings =
    [
        (".lora_A.weight", PeftTensorRole.A),
        (".lora_A.default.weight", PeftTensorRole.A),
        (".lora_B.weight", PeftTensorRole.B),
        (".lora_B.default.weight", PeftTensorRole.B),
        (".lora_embedding_A", PeftTensorRole.EmbeddingA),
        (".lora_embedding_A.default", PeftTensorRole.EmbeddingA),
        (".lora_embedding_B", PeftTensorRole.EmbeddingB),
        (".lora_embedding_B.default", PeftTensorRole.EmbeddingB),
        (".base_layer.weight", PeftTensorRole.Base),
        (".weight", PeftTensorRole.Base),
    ];

    /// <summary>Takes a name apart; null if it is no tensor of plain LoRA.</summary>
    public static PeftTensorKey? Parse(string tensor)
    {
        foreach ((string ending, PeftTensorRole role) in Endings)
        {
            if (tensor.EndsWith(ending, StringComparison.Ordinal))
                return new PeftTensorKey(Bare(tensor[..^ending.Length]), role);
        }

        return null;
    }

    /// <summary>The names that the module may have in the model, likeliest first: trainers that wrap or unwrap it add or lose a <c>model.</c></summary>
    public IEnumerable<string> Candidates()
    {
        yield return Module;
        string rest = Module;
        while (rest.StartsWith("model.", StringComparison.Ordinal))
        {
            rest = rest["model.".Length..];
            yield return rest;
        }

        yield return "model." + Module;
    }

    /// <summary>The name that PEFT would give a tensor of a module.</summary>
    public static string Name(string module, PeftTensorRole role) => PeftPrefix + module + role switch
    {
        PeftTensorRole.A => ".lora_A.weight",
        PeftTensorRole.B => ".lora_B.weight",
        PeftTensorRole.EmbeddingA => ".lora_embedding_A",
        PeftTensorRole.EmbeddingB => ".lora_embedding_B",
        _ => ".base_layer.weight",
    };

    private static string Bare(string module)
    {
        // Left behind by sharded training, activation checkpointing and compilation, anywhere in the path.
        foreach (string wrapper in (string[])["_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "_orig_mod."])
            module = module.Replace(wrapper, "", StringComparison.Ordinal);
        if (module.StartsWith("module.", StringComparison.Ordinal))
            module = module["module.".Length..];
        while (module.StartsWith(PeftPrefix, StringComparison.Ordinal))
            module = module[PeftPrefix.Length..];
        return module;
    }
}
