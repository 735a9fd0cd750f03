using System.Collections.Frozen;
using SLoRA.Errors;

namespace SLoRA.Formats.Peft;

/// <summary>
/// What the methods of PEFT other than LoRA are, by their names in peft_type, as the end of a sentence that begins with the name: whoever
/// is refused learns why no conversion of names would help.
/// </summary>
internal static class PeftMethods
{
    /// <summary>The one that is served.</summary>
    public const string Served = "LORA";

    /// <summary>The others, over all versions of PEFT to 0.21.</summary>
    public static readonly FrozenDictionary<string, string> Others = new Dictionary<string, string>
    {
        ["ADALORA"] = "puts singular values of its own between A and B, and prunes them for each module",
        ["ADAMSS"] = "adds low-rank matrices in subspaces of the base's weights",
        ["ADAPTION_PROMPT"] = "puts trained vectors beside the keys and values of attention",
        ["BEFT"] = "adds trained biases, and no matrices",
        ["BOFT"] = "rotates the base's weights by butterfly matrices",
        ["BONE"] = "adds one matrix to all blocks of a weight, and became MISS",
        ["C3A"] = "multiplies by circulant matrices",
        ["CARTRIDGE"] = "puts trained keys and values in front of the prompt",
        ["CPT"] = "puts trained vectors in the place of tokens of the prompt",
        ["DEFT"] = "takes a subspace out of the base's weights before it adds to them",
        ["DELORA"] = "normalises each rank of B A and bounds their length by the base's",
        ["FOURIERFT"] = "stores coefficients of a Fourier transform of the change",
        ["FROD"] = "adds a change of full rank in a basis that all modules share",
        ["GLORA"] = "multiplies the base's weights and biases besides adding to them",
        ["GRALORA"] = "has matrices A and B for each block of a weight",
        ["HIRA"] = "multiplies the base's weights by B A, element by element",
        ["HRA"] = "reflects the base's weights by Householder matrices",
        ["IA3"] = "multiplies activations by trained vectors, and has no matrices",
        ["LILY"] = "shares A and B between layers and routes between several B",
        ["LN_TUNING"] = "trains the norms alone; LoRA serves own norms through modules_to_save",
        ["LOHA"] = "multiplies two products of low rank, element by element",
        ["LOKR"] = "adds a Kronecker product",
        ["MISS"] = "adds one matrix to all blocks of a weight",
        ["MULTITASK_PROMPT_TUNING"] = "puts trained vectors in front of the prompt, of a task that each request names",
        ["OFT"] = "rotates the base's weights by orthogonal blocks",
        ["OSF"] = "trains directions of the base's weights that it splits off itself",
        ["P_TUNING"] = "puts vectors that a network makes in front of the prompt",
        ["PEANUT"] = "makes the change of the base's weights by a network",
        ["POLY"] = "mixes matrices of several skills, of a task that each request names",
        ["PREFIX_TUNING"] = "puts trained keys and values in front of the prompt",
        ["PROMPT_TUNING"] = "puts trained vectors in front of the prompt",
        ["PSOFT"] = "rotates the principal part of the base's weights",
        ["PVERA"] = "scales random matrices that all modules share by vectors of which it learns a distribution",
        ["RANDLORA"] = "sums products of random matrices that it scales by trained vectors",
        ["ROAD"] = "rotates pairs of outputs",
        ["SHIRA"] = "changes single elements of a weight",
        ["SUPERTUNING"] = "changes single elements of a weight",
        ["TINYLORA"] = "moves along singular vectors of the base's weights by a few numbers",
        ["TRAINABLE_TOKENS"] = "trains tokens alone; LoRA serves them through trainable_token_indices",
        ["UNILORA"] = "makes all A and B of one vector by a random projection",
        ["VBLORA"] = "puts A and B together from a bank of vectors",
        ["VERA"] = "scales random matrices that all modules share by trained vectors",
        ["WAVEFT"] = "stores coefficients of a wavelet transform of the change",
        ["XLORA"] = "mixes several adapters by a network that looks at the input",
    }.ToFrozenDictionary();

    /// <summary>What a method is, as the rest of a sentence that begins with peft_type.</summary>
    public static string Problem(string method) => Others.TryGetValue(method, out string? what)
        ? $"is {method}, which {what}; only {Served} is served"
        : $"is {Shown.Name(method)}; only {Served} is served";
}
