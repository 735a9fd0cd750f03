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

    /// <summary>The module's own weight: a copy of the base's, or one that was trained whole.</summary>
    Weight,

    /// <summary>The module's own bias, [out].</summary>
    Bias,

    /// <summary>The bias of B, [out].</summary>
    LoraBias,

    /// <summary>The norms that DoRA brings the rows of the weight to, [out].</summary>
    Magnitude,

    /// <summary>Trained rows of an embedding, [tokens, hidden].</summary>
    TokenRows,
}

/// <summary>The name of a tensor in an adapter file, taken apart.</summary>
/// <param name="Module">The module's name, without the prefixes of PEFT and of wrappers that trainers put around modules.</param>
/// <param name="Role">What the tensor is to that module.</param>
internal readonly record struct PeftTensorKey(string Module, PeftTensorRole Role)
{
    private const string PeftPrefix = "base_model.model.";

    // One too many happens, and the model may have one of its own. A name of nothing else, as only hostile files have, is not tried at
    // every length.
    private const int MostWon = 2;

    // Left behind by sharded training, activation checkpointing and compilation, anywhere in the path.
    private static readonly string[] Wrappers = ["_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "_orig_mod.", .. SavedModules];

    // PEFT's own around modules that are trained whole; it takes it out of the names when it saves, other programs do not.
    private static string[] SavedModules => ["modules_to_save.default.", "modules_to_save."];

    // What may stand in front, in any order and number: PEFT's own, DistributedDataParallel's and DeepSpeed's, and that of TRL's models
    // with a value head.
    private static readonly string[] Prefixes = [PeftPrefix, "module.", "pretrained_model.", .. Wrappers];

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
        (".lora_B.bias", PeftTensorRole.LoraBias),
        (".lora_B.default.bias", PeftTensorRole.LoraBias),
        (".lora_magnitude_vector", PeftTensorRole.Magnitude),
        (".lora_magnitude_vector.default", PeftTensorRole.Magnitude),
        (".lora_magnitude_vector.weight", PeftTensorRole.Magnitude),
        (".lora_magnitude_vector.default.weight", PeftTensorRole.Magnitude),
        (".token_adapter.trainable_tokens_delta", PeftTensorRole.TokenRows),
        (".token_adapter.trainable_tokens_delta.default", PeftTensorRole.TokenRows),
        (".token_adapter.base_layer.weight", PeftTensorRole.Weight),
        (".modules_to_save.weight", PeftTensorRole.Weight),
        (".modules_to_save.default.weight", PeftTensorRole.Weight),
        (".modules_to_save.bias", PeftTensorRole.Bias),
        (".modules_to_save.default.bias", PeftTensorRole.Bias),
        (".base_layer.weight", PeftTensorRole.Weight),
        (".weight", PeftTensorRole.Weight),
        (".base_layer.bias", PeftTensorRole.Bias),
        (".bias", PeftTensorRole.Bias),
    ];

    /// <summary>Takes a name apart; null if it is no tensor of an adapter that is served.</summary>
    public static PeftTensorKey? Parse(string tensor)
    {
        foreach ((string ending, PeftTensorRole role) in Endings)
        {
            if (tensor.EndsWith(ending, StringComparison.Ordinal))
            {
                return new PeftTensorKey(Bare(tensor.AsSpan(0, tensor.Length - ending.Length)), role);
            }
        }

        return null;
    }

    /// <summary>
    /// The names that the module may have in the model, likeliest first: trainers that wrap or unwrap it add or lose a <c>model.</c>
    /// </summary>
    public IEnumerable<string> Candidates()
    {
        yield return Module;
        string rest = Module;
        for (int more = 0; more < MostWon && rest.StartsWith("model.", StringComparison.Ordinal); more++)
        {
            rest = rest["model.".Length..];
            yield return rest;
        }

        yield return "model." + Module;

        // A language model is trained by itself, or as the part of a model for images too, whose older versions had the two names the other
        // way round.
        const string Part = "language_model.";
        if (Module.Contains(Part, StringComparison.Ordinal))
        {
            string alone = Module.Replace(Part, "", StringComparison.Ordinal);
            yield return alone;
            yield return alone.StartsWith("model.", StringComparison.Ordinal) ? $"model.{Part}{alone["model.".Length..]}" : alone;
        }
        else if (Module.StartsWith("model.", StringComparison.Ordinal))
        {
            yield return $"model.{Part}{Module["model.".Length..]}";
        }
    }

    /// <summary>The name that PEFT would give a tensor of a module.</summary>
    public static string Name(string module, PeftTensorRole role) => PeftPrefix + module + role switch
    {
        PeftTensorRole.A => ".lora_A.weight",
        PeftTensorRole.B => ".lora_B.weight",
        PeftTensorRole.EmbeddingA => ".lora_embedding_A",
        PeftTensorRole.EmbeddingB => ".lora_embedding_B",
        PeftTensorRole.Weight => ".weight",
        PeftTensorRole.Bias => ".bias",
        PeftTensorRole.LoraBias => ".lora_B.bias",
        PeftTensorRole.Magnitude => ".lora_magnitude_vector",
        PeftTensorRole.TokenRows => ".token_adapter.trainable_tokens_delta",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "No such role."),
    };

    private static string Bare(ReadOnlySpan<char> module)
    {
        while (PrefixOf(module) is { } prefix)
        {
            module = module[prefix.Length..];
        }

        string bare = module.ToString();
        foreach (string wrapper in Wrappers)
        {
            bare = bare.Replace(wrapper, "", StringComparison.Ordinal);
        }

        return bare;
    }

    private static string? PrefixOf(ReadOnlySpan<char> module)
    {
        foreach (string prefix in Prefixes)
        {
            if (module.StartsWith(prefix))
            {
                return prefix;
            }
        }

        return null;
    }
}
