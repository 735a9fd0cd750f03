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
            // An empty text is found between all characters, as the empty expression is.
            if (name == "String") return value.String() is { Length: > 0 } text ? new LiteralPattern(text) : new ExpressionPattern("");
        }

        throw node.Wrong("an object with String or Regex");
    }

    private static TextPattern Regex(ConfigNode node)
    {
        string expression = node.String();
        return WordPattern.Known.TryGetValue(expression, out WordPattern? known) ? known : new ExpressionPattern(expression);
    }
}
