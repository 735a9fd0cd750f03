namespace SLoRA.Text;

/// <summary>
/// How much one rendering may cost. A template comes with a model folder, so it is foreign code: what exceeds a limit ends as
/// <see cref="ChatTemplateException"/> with code <c>template.limit</c>. The defaults are far above what any real conversation needs.
/// </summary>
public sealed record ChatTemplateLimits
{
    /// <summary>The limits used where none are given.</summary>
    public static ChatTemplateLimits Default { get; } = new();

    /// <summary>Evaluated nodes and visited items, before what <see cref="StepsPerInput"/> adds.</summary>
    public long Steps { get; init; } = 4_000_000;

    /// <summary>Steps added for each character and value of the inputs.</summary>
    public long StepsPerInput { get; init; } = 32;

    /// <summary>Bytes that a rendering may allocate in total, garbage included, before what <see cref="MemoryPerInput"/> adds.</summary>
    public long Memory { get; init; } = 32L * 1024 * 1024;

    /// <summary>Bytes added to <see cref="Memory"/> for each character and value of the inputs.</summary>
    public long MemoryPerInput { get; init; } = 256;

    /// <summary>Levels of nested evaluation: macro calls, blocks, expressions and values within each other.</summary>
    public int Depth { get; init; } = 2_000;
}
