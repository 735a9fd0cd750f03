namespace SLoRA.Text;

/// <summary>The whole answer to a <see cref="TextRequest"/>.</summary>
public sealed record TextAnswer
{
    /// <summary>The continuations, as many as were asked for.</summary>
    public required IReadOnlyList<TextContinuation> Continuations { get; init; }

    /// <summary>What the request took.</summary>
    public required GenerationUsage Usage { get; init; }

    /// <summary>How probable each token of the prompt was, by its place; empty unless the request asked for it.</summary>
    public IReadOnlyList<PromptTokenLogProbability?> PromptLogProbabilities { get; init; } = [];

    /// <summary>The text of the first continuation.</summary>
    public string Text => Continuations[0].Text;

    /// <summary>The text of the first continuation.</summary>
    public override string ToString() => Text;
}
