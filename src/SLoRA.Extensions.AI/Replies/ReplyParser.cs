using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies;

/// <summary>
/// Reads the answer of a model while it arrives: what is text, what is reasoning, which tools it calls. Text is passed on as soon as it
/// cannot be the beginning of a call any more, a call when it is complete. What began as a call and could not be used comes out as text:
/// a parser never throws because of what a model wrote, and its time grows with the length of the answer alone. The parts do not depend on
/// the pieces in which the answer arrives, when adjacent ones of a kind are joined. One parser reads one answer, on one thread at a time.
/// </summary>
/// <remarks>
/// Whitespace around calls and thoughts belongs to the format: text and thoughts are trimmed when there is a call or a thought. An answer
/// that has neither comes out character by character.
/// </remarks>
public abstract class ReplyParser
{
    private protected ReplyParser()
    {
    }

    /// <summary>What is not decided.</summary>
    internal abstract HeldText Held { get; }

    /// <summary>A parser for one answer.</summary>
    /// <param name="format">How the model writes.</param>
    /// <param name="options">Declared tools and the state in which the prompt has left the model; null for no tools.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit of the options is out of its range.</exception>
    public static ReplyParser Create(ReplyFormat format, ReplyParserOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(format);
        options ??= new ReplyParserOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxCallLength, 1024, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaxCallLength, 16 * 1024 * 1024, nameof(options));
        return format.ToolCalls == ToolCallFormat.Harmony ? new HarmonyReplyParser(options) : new MarkedReplyParser(format, options);
    }

    /// <summary>Takes the next piece of the answer, with its special tokens in it.</summary>
    /// <param name="text">Any number of characters.</param>
    /// <returns>What is certain now and was not before. Valid until the next call.</returns>
    /// <exception cref="InvalidOperationException">The answer was completed.</exception>
    public abstract IReadOnlyList<ReplyPart> Push(ReadOnlySpan<char> text);

    /// <summary>Nothing follows: decides what was held back. Further calls return nothing.</summary>
    /// <returns>The last parts. Valid as long as the parser.</returns>
    public abstract IReadOnlyList<ReplyPart> Complete();
}
