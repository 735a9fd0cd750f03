namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>How far a grammar has come with a block.</summary>
internal enum Outcome
{
    /// <summary>The next piece has to tell. Not an answer where nothing follows.</summary>
    More,

    /// <summary>The block ends at the text's position.</summary>
    Done,

    /// <summary>This is no block, or none any more behind the last call that was found.</summary>
    Failed,
}
