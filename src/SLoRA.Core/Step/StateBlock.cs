namespace SLoRA.Step;

/// <summary>
/// Where a state lies in the pages that hold the states of a sequence. A part never crosses the end of a page; parts of one size stand in
/// slots, as many as fit into a page, counted through all of these pages.
/// </summary>
/// <param name="FirstSlot">The slot of part 0; the other parts follow.</param>
/// <param name="PageSlots">Slots of a page.</param>
/// <param name="PartBytes">Bytes of a slot.</param>
internal readonly record struct StateBlock(int FirstSlot, int PageSlots, long PartBytes)
{
    /// <summary>Which of the sequence's pages of states holds a part.</summary>
    public int PageOf(int part) => (FirstSlot + part) / PageSlots;

    /// <summary>Where in that page the part begins, in bytes.</summary>
    public long OffsetOf(int part) => (FirstSlot + part) % PageSlots * PartBytes;
}
