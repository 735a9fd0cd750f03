using System.Text;

namespace SLoRA.Text;

/// <summary>Puts the pieces of an answer together, continuation by continuation.</summary>
/// <param name="continuations">How many there are.</param>
internal sealed class AnswerCollector(int continuations)
{
    private readonly Part[] _parts = [.. Enumerable.Range(0, continuations).Select(_ => new Part())];

    /// <summary>Takes a piece.</summary>
    public void Add(in TextUpdate update)
    {
        Part part = _parts[update.Continuation];
        part.Text.Append(update.Text);
        if (update.End is { } end)
        {
            part.End = end;
        }
        else
        {
            part.Tokens.Add(update.Update.Token);
        }
    }

    /// <summary>The answer of a stream that has come to its end.</summary>
    public TextAnswer Finish(IGenerationStream stream) => new()
    {
        Continuations = [.. _parts.Select(part => new TextContinuation(part.Text.ToString(), part.Tokens, part.End!))],
        Usage = stream.Usage!,
        PromptLogProbabilities = stream.PromptLogProbabilities,
    };

    private sealed class Part
    {
        public StringBuilder Text { get; } = new();

        public List<GeneratedToken> Tokens { get; } = [];

        public ContinuationEnd? End { get; set; }
    }
}
