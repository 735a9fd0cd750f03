using SLoRA.Text.Tokenization.Models;
using SLoRA.Text.Tokenization.PreTokenizers;

namespace SLoRA.Text.Tokenization;

/// <summary>Everything one encoding works with. A tokenizer keeps some of them and lends each to one encoding at a time.</summary>
internal sealed class EncodingScratch
{
    private const int Keep = 1 << 16;

    public IdBuffer Ids { get; } = new();

    public WordCache Words { get; } = new();

    public ModelScratch Model { get; } = new();

    public PieceBuffers Pieces { get; } = new();

    /// <summary>The user's text when it had to be repaired.</summary>
    public CharBuffer Repaired { get; } = new();

    /// <summary>A segment's normal form.</summary>
    public CharBuffer Normalized { get; } = new();

    /// <summary>A word in the stand-ins of its bytes.</summary>
    public CharBuffer Word { get; } = new();

    /// <summary>Lets go of what a huge text needed, or a short one that became a huge one.</summary>
    public void Trim()
    {
        Ids.Trim(Keep);
        Model.Trim();
        Pieces.Trim();
        Repaired.Trim(Keep);
        Normalized.Trim(Keep);
        Word.Trim(Keep);
    }
}
