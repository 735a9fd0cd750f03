using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>
/// Reads one block of calls, behind its start marker. It is asked again with each piece and goes on where it stopped, so that no character
/// is read twice. A call that it has found for good it hands over by <see cref="Found"/>: that call stays one, whatever follows.
/// </summary>
internal abstract class CallGrammar
{
    private readonly List<ToolCall> _found = [];

    /// <summary>Whether a call was found.</summary>
    public bool HasFound { get; private set; }

    /// <summary>Reads on.</summary>
    public abstract Outcome Read(HeldText text);

    /// <summary>
    /// The block comes to nothing where it stands: what is held will be read as text, from behind the marker or the last call.
    /// </summary>
    public virtual void Abandon(HeldText text)
    {
    }

    /// <summary>The calls found since the last time.</summary>
    public virtual IReadOnlyList<ToolCall> TakeFound()
    {
        ToolCall[] calls = [.. _found];
        _found.Clear();
        return calls;
    }

    /// <summary>A call ends at the text's position. The characters up to there are given up: positions begin anew.</summary>
    protected void Found(ToolCall call, HeldText text)
    {
        HasFound = true;
        _found.Add(call);
        text.DropRead();
    }

    /// <summary>The outcome of a part that did not match.</summary>
    protected static Outcome Unless(Match match) => match == Match.Undecided ? Outcome.More : Outcome.Failed;
}
