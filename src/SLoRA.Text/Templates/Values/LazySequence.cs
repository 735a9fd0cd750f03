namespace SLoRA.Text.Templates;

/// <summary>
/// What lazy filters such as <c>map</c> and <c>select</c> return: items come once, in order, and only when asked for. It has no length and no
/// positions, and is always true.
/// </summary>
internal sealed class LazySequence(IEnumerable<object?> source) : IEnumerable<object?>
{
    private readonly IEnumerator<object?> _items = source.GetEnumerator();

    public IEnumerator<object?> GetEnumerator()
    {
        while (_items.MoveNext())
            yield return _items.Current;
    }

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
}
