using SLoRA.Text.Tokenization.Patterns;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>Reads a <c>pattern</c>: a plain text or a regular expression.</summary>
internal static class PatternReader
{
    public static TextPattern Read(ConfigNode node)
    {
        foreach ((string name, ConfigNode value) in node.Members())
        {
            if (name == "Regex") return Regex(value);
        }

        throw node.Wrong("an object with String or Regex");
    }

    private static TextPattern Regex(ConfigNode node)
    {
        string expression = node.String();
        if (WordPattern.Known.TryGetValue(expression, out WordPattern? known)) return known;
        throw TokenizerException.Unsupported($"{node.Path}: the expression '{expression}' is not implemented.");
    }
}
