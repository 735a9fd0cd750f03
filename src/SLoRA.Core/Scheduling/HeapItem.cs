namespace SLoRA.Scheduling;

/// <summary>What can stand in heaps of up to three kinds at once.</summary>
internal abstract class HeapItem
{
    private int _first;
    private int _second;
    private int _third;

    /// <summary>Its place in the heap of a kind, from 1; 0 when it is in none.</summary>
    public ref int Place(int kind)
    {
        if (kind == 0)
        {
            return ref _first;
        }

        return ref kind == 1 ? ref _second : ref _third;
    }
}
