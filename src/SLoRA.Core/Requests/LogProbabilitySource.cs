namespace SLoRA;

/// <summary>Which distribution log-probabilities are taken from.</summary>
public enum LogProbabilitySource
{
    /// <summary>The model's own distribution: the softmax of its logits before any processing.</summary>
    Model,

    /// <summary>
    /// The distribution that the token was drawn from, after every stage of <see cref="SamplingOptions"/>; removed tokens have negative
    /// infinity. With temperature 0 it is the softmax of the logits after penalties, bias and hook, because the later stages do not act
    /// then.
    /// </summary>
    Processed,
}
