using System.Text;

namespace SLoRA.Text.Templates;

/// <summary>Text being collected, charged to the budget as it grows.</summary>
internal sealed class Output(Budget budget)
{
    private readonly StringBuilder _text = new();

    /// <summary>Code points so far.</summary>
    public int CodePoints { get; private set; }

    public void Write(string text)
    {
        budget.Characters(text.Length);
        _text.Append(text);
        CodePoints += Templates.CodePoints.Count(text);
    }

    public override string ToString() => _text.ToString();
}
