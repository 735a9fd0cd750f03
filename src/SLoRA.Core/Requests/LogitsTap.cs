namespace SLoRA.Requests;

/// <summary>Sees the logits of one sequence as they are computed.</summary>
internal abstract class LogitsTap
{
    /// <summary>Whether the rows of the prompt are wanted too, not just the last.</summary>
    public virtual bool WholePrompt => false;

    /// <summary>The logits that follow the token at <paramref name="position"/>; valid during the call only.</summary>
    public abstract void Take(int position, ReadOnlySpan<float> logits);
}
