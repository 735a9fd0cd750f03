using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>Leaves the block to the grammar that its first character, whitespace aside, belongs to.</summary>
/// <param name="choose">The grammar of a character; null for no block.</param>
internal sealed class ChoiceGrammar(Func<char, CallGrammar?> choose) : CallGrammar
{
    private CallGrammar? _chosen;

    public override Outcome Read(HeldText text)
    {
        if (_chosen is null)
        {
            text.SkipSpace();
            if (text.AtEnd)
            {
                return Unless(text.Missing);
            }

            _chosen = choose(text.Current);
        }

        return _chosen?.Read(text) ?? Outcome.Failed;
    }

    public override void Abandon(HeldText text) => _chosen?.Abandon(text);

    public override IReadOnlyList<ToolCall> TakeFound() => _chosen?.TakeFound() ?? [];
}
