namespace SLoRA.Text.Templates;

/// <summary>
/// Remembers, while a macro's body is parsed, whether it reads <c>varargs</c>, <c>kwargs</c> or <c>caller</c>: only then does the macro
/// accept more arguments than it names.
/// </summary>
internal sealed class SpecialNames
{
    private readonly Stack<HashSet<string>> _bodies = new();

    public void Open() => _bodies.Push([]);

    public void Read(string name)
    {
        if (name is not ("varargs" or "kwargs" or "caller"))
        {
            return;
        }

        foreach (HashSet<string> body in _bodies)
        {
            body.Add(name);
        }
    }

    public HashSet<string> Close() => _bodies.Pop();
}
