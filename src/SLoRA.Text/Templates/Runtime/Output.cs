namespace SLoRA.Text.Templates;

/// <summary>Text being collected, charged to the budget as it grows.</summary>
internal sealed class Output(Budget budget)
{
    private readonly TextBuilder _text = new();

    /// <summary>Code points so far.</summary>
    public int CodePoints { get; private set; }

    /// <summary>Writes a text value.</summary>
    public void Write(object text)
    {
        string characters = text.ToString()!;
        budget.Characters(characters.Length);
        _text.AppendText(text);
        CodePoints += Templates.CodePoints.Count(characters);
    }

    /// <summary>What has been written.</summary>
    public object ToText() => _text.ToText();
}
