namespace SLoRA.Evaluation.Workloads;

/// <summary>The dimensions of a model that the paper served, all of them with one key per query head, in 16 bits.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Layers">Layers.</param>
/// <param name="Hidden">Hidden size.</param>
/// <param name="Intermediate">Width of the MLP.</param>
/// <param name="Heads">Heads of 128 columns.</param>
internal sealed record PaperModel(string Name, int Layers, int Hidden, int Intermediate, int Heads)
{
    private const int Vocabulary = 32000;

    /// <summary>Llama-7B.</summary>
    public static PaperModel Llama7B { get; } = new("7B", 32, 4096, 11008, 32);

    /// <summary>Llama-13B.</summary>
    public static PaperModel Llama13B { get; } = new("13B", 40, 5120, 13824, 40);

    /// <summary>What the authors called 30B: dimensions changed to fit their kernels.</summary>
    public static PaperModel Llama30B { get; } = new("30B", 48, 7168, 19456, 56);

    /// <summary>What the authors called 70B: the same.</summary>
    public static PaperModel Llama70B { get; } = new("70B", 80, 8192, 24576, 64);

    /// <summary>Weights of all layers, and of the head.</summary>
    public long Parameters =>
        (Layers * ((4L * Hidden * Hidden) + (3L * Hidden * Intermediate))) + ((long)Vocabulary * Hidden);

    /// <summary>Bytes of the keys and values of a token.</summary>
    public long TokenBytes => 2L * 2 * Layers * Hidden;

    /// <summary>Bytes of one rank of an adapter on q, k, v and o.</summary>
    public long RankBytes => 16L * Layers * Hidden;
}
