namespace SLoRA;

/// <summary>What happens when an adapter that has to be read again is not what it was.</summary>
public enum ChangedContent
{
    /// <summary>
    /// Requests that need it fail with <see cref="AdapterChangedException"/>, until it is refreshed or replaced, or is what it was again.
    /// </summary>
    Refuse,

    /// <summary>
    /// What is there becomes the name's content at that moment, between two steps. Requests that have begun to compute with the old
    /// content, if that is gone, fail with <see cref="AdapterChangedException"/>: no answer mixes two.
    /// </summary>
    Adopt,
}
