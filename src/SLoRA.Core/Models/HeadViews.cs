using SLoRA.Step;

namespace SLoRA.Models;

/// <summary>
/// A module seen head by head: of each head the outputs that make keys, as a product in the other direction, and those that make values.
/// Their matrices are those of the module: the tiles of its B are cut where heads begin, and A is shared by all of them.
/// </summary>
/// <param name="FirstKey">Target index of the keys of head 0; those of the other heads follow.</param>
/// <param name="FirstValue">Target index of the values of head 0.</param>
/// <param name="Heads">Heads.</param>
/// <param name="KeyColumns">Outputs of a head that make keys; they come first.</param>
/// <param name="ValueColumns">Outputs of a head that make values.</param>
internal sealed record HeadViews(int FirstKey, int FirstValue, int Heads, int KeyColumns, int ValueColumns)
{
    /// <summary>The heads that one of several shards has.</summary>
    public Run Of(int shard, int shards)
    {
        (int first, int end) = Split.OfHeads(Heads, KeyColumns + ValueColumns).UnitsOf(shard, shards);
        return new Run(first, end - first);
    }
}
