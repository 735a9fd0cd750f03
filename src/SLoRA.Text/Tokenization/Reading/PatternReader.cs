using SLoRA.Text.Tokenization.Patterns;

namespace SLoRA.Text.Tokenization.Reading;

/// <summary>Reads a <c>pattern</c>: a plain text or a regular expression, and not both.</summary>
internal static class PatternReader
{
    /// <summary>A <see cref="LiteralPattern"/> or an <see cref="ExpressionPattern"/>.</summary>
    public static TextPattern Read(ConfigNode node)
    {
        ConfigNode text = node["String"];
        ConfigNode expression = node["Regex"];
        if (text.IsNull == expression.IsNull)
        {
            throw node.Wrong("an object with either String or Regex");
        }

        // An empty text is found between all characters, as the empty expression is.
        if (!text.IsNull)
        {
            return text.String() is { Length: > 0 } sought ? new LiteralPattern(sought) : new ExpressionPattern("");
        }

        try
        {
            return new ExpressionPattern(expression.String());
        }
        catch (TokenizerException e) when (e.InnerException is null && !e.Message.StartsWith(expression.Path, StringComparison.Ordinal))
        {
            throw new TokenizerException(e.Code, $"{expression.Path}: {e.Message}", e);
        }
    }

    /// <summary>As <see cref="Read"/>, and the written-out matcher of an expression that has one: for cutting a text into words.</summary>
    public static TextPattern ReadWords(ConfigNode node)
    {
        TextPattern pattern = Read(node);
        return pattern is ExpressionPattern && WordPattern.Known.TryGetValue(node["Regex"].String(""), out WordPattern? written)
            ? written
            : pattern;
    }
}
