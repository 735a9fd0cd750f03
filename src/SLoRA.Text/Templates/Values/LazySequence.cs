namespace SLoRA.Text.Templates;

/// <summary>
/// What lazy filters such as <c>map</c> and <c>select</c> return: items come once, in order, and only when asked for. It has no length and
/// no positions, and is always true.
/// </summary>
internal sealed class LazySequence(Rendering r, IEnumerable<object?> source) : IEnumerable<object?>
{
    private readonly IEnumerator<object?> _items = source.GetEnumerator();

    public IEnumerator<object?> GetEnumerator()
    {
        while (MoveNext())
        {
            yield return _items.Current;
        }
    }

    // A sequence over a sequence over a sequence asks through all of them: a level each.
    private bool MoveNext()
    {
        r.Budget.Enter();
        bool moved = _items.MoveNext();
        r.Budget.Leave();
        return moved;
    }

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
}
