namespace SLoRA.Extensions.AI.Replies.Reading;

/// <summary>Whether a text that is still arriving begins with what was asked for.</summary>
internal enum Match
{
    /// <summary>So far it does; the next piece will tell.</summary>
    Undecided,

    /// <summary>It does.</summary>
    Yes,

    /// <summary>It does not.</summary>
    No,
}
