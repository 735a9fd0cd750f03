namespace SLoRA.Sequences;

/// <summary>Where activated LoRA begins to act.</summary>
internal static class Invocation
{
    /// <summary>
    /// The position of the last occurrence of the invocation in a prompt, whose first token is computed with the adapter already;
    /// <see cref="int.MaxValue"/> if there is none, and 0 for an adapter without invocation.
    /// </summary>
    public static int Start(ReadOnlySpan<int> prompt, ReadOnlySpan<int> invocation) =>
        invocation.IsEmpty ? 0 : prompt.LastIndexOf(invocation) is var at and >= 0 ? at : int.MaxValue;
}
