namespace SLoRA.Core.Bench;

/// <summary>The dimensions of a decoder that benchmarks run: a Llama, or a Qwen 3 with a mixture of experts.</summary>
/// <param name="Name">How the command line calls it.</param>
/// <param name="Layers">Layers.</param>
/// <param name="Hidden">Hidden size.</param>
/// <param name="Intermediate">Width of the MLP, or of an expert.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">KV heads.</param>
/// <param name="HeadDim">Head dimension.</param>
/// <param name="Vocabulary">Vocabulary.</param>
internal sealed record Shape(
    string Name, int Layers, int Hidden, int Intermediate, int Heads, int KeyValueHeads, int HeadDim, int Vocabulary)
{
    /// <summary>SmolLM2-135M's dimensions.</summary>
    public static Shape Small { get; } = new("135m", 30, 576, 1536, 9, 3, 64, 49152);

    /// <summary>Llama-3.2-1B's dimensions.</summary>
    public static Shape Large { get; } = new("1b", 16, 2048, 8192, 32, 8, 64, 128256);

    /// <summary>Llama-3.1-8B's dimensions, with a tied head.</summary>
    public static Shape Huge { get; } = new("8b", 32, 4096, 14336, 32, 8, 128, 128256);

    /// <summary>Sixteen experts, of which a row has four.</summary>
    public static Shape FewExperts { get; } = new("moe-small", 16, 1024, 768, 16, 4, 64, 32768) { Experts = 16, Chosen = 4 };

    /// <summary>A quarter of Qwen3-30B-A3B: its width, 64 experts of which a row has eight.</summary>
    public static Shape ManyExperts { get; } = new("moe-64", 8, 2048, 768, 32, 4, 128, 32768) { Experts = 64, Chosen = 8 };

    /// <summary>Experts of a layer; 0 for an MLP.</summary>
    public int Experts { get; init; }

    /// <summary>Experts that a row goes through.</summary>
    public int Chosen { get; init; }

    /// <summary>The products of a step that all rows go through: name, inputs, outputs side by side, how often they occur.</summary>
    public IEnumerable<(string Name, int Inputs, int[] Outputs, int Count)> Products()
    {
        int queries = Heads * HeadDim;
        int keys = KeyValueHeads * HeadDim;
        yield return ("qkv", Hidden, [queries, keys, keys], Layers);
        yield return ("o", queries, [Hidden], Layers);
        if (Experts > 0)
        {
            yield return ("router", Hidden, [Experts], Layers);
        }
        else
        {
            yield return ("gate+up", Hidden, [Intermediate, Intermediate], Layers);
            yield return ("down", Intermediate, [Hidden], Layers);
        }

        yield return ("head", Hidden, [Vocabulary], 1);
    }

    /// <summary>The shape that the command line calls by a name.</summary>
    public static Shape? Find(string name) => name switch
    {
        "135m" => Small,
        "1b" => Large,
        "8b" => Huge,
        "moe-small" => FewExperts,
        "moe-64" => ManyExperts,
        _ => null,
    };
}
