using System.Collections.Immutable;
using SLoRA.Step;

namespace SLoRA.Pool;

/// <summary>
/// How many pages sequences need. For every block of tokens one of each group of layers; where a group's rows see only the last positions,
/// no more than those and the rows of a step can lie in, however long the sequence.
/// </summary>
/// <param name="pageTokens">Tokens of a block.</param>
/// <param name="statePages">Pages that hold the states of a sequence; 0 for a model that keeps none.</param>
/// <param name="groups">What the rows of each group see, those that see everything first; one that does by default.</param>
/// <param name="maxRows">The most rows of one sequence in a step.</param>
internal sealed class TableShape(int pageTokens, int statePages = 0, ImmutableArray<Sight> groups = default, int maxRows = 1)
{
    private readonly ImmutableArray<Sight> _groups = groups.IsDefault ? [default] : groups;

    /// <summary>The shape of what an engine's sequences have.</summary>
    public static TableShape Of(KvLayout layout, int maxRows) => new(layout.PageTokens, layout.StatePages, layout.Groups, maxRows);

    /// <summary>Tokens of a block.</summary>
    public int PageTokens => pageTokens;

    /// <summary>Pages that hold the states of a sequence.</summary>
    public int StatePages => statePages;

    /// <summary>Groups of layers.</summary>
    public int Groups => _groups.Length;

    /// <summary>Groups whose rows see everything; they come first.</summary>
    public int WholeGroups { get; } = groups.IsDefault ? 1 : groups.Count(group => !group.IsBounded);

    /// <summary>Blocks of so many tokens.</summary>
    public int Blocks(int tokens) => (int)(((long)tokens + pageTokens - 1) / pageTokens);

    /// <summary>The first block that a group's rows see behind so many tokens.</summary>
    public int FirstBlock(int group, int tokens) => _groups[group].FirstVisible(tokens) / pageTokens;

    /// <summary>The most blocks that a group's pages are needed of at once.</summary>
    public int MostBlocks(int group)
    {
        // So many positions in a row touch one block more than they fill, and another one at each end in part.
        long positions = (long)_groups[group].Reach - 1 + maxRows;
        return (int)Math.Min(int.MaxValue, ((positions + pageTokens - 2) / pageTokens) + 1);
    }

    /// <summary>Whether a sequence lets pages of a group go before it ends.</summary>
    /// <param name="group">The group.</param>
    /// <param name="tokens">The most tokens that the sequence will have.</param>
    public bool Passes(int group, int tokens) => FirstBlock(group, tokens) > 0;

    /// <summary>Pages that a sequence needs at once at most, with those of its states, if it never has more tokens.</summary>
    public int PagesFor(int tokens)
    {
        int pages = statePages;
        for (int group = 0; group < Groups; group++)
        {
            pages += Passes(group, tokens) ? Math.Min(Blocks(tokens), MostBlocks(group)) : Blocks(tokens);
        }

        return pages;
    }
}
