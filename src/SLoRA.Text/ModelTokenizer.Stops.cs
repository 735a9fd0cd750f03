using SLoRA.Text.Tokenization;

namespace SLoRA.Text;

public sealed partial class ModelTokenizer
{
    /// <summary>
    /// What ends requests at the first of several strings, wherever token borders lie. The strings may hold special tokens, such as
    /// <c>&lt;|im_end|&gt;</c>, alone or among other text. Tokens of the answer that hold the beginning of a stop string are generated and
    /// published as any others: show the answer through <see cref="CreateStream(ReadOnlySpan{int}, bool, IEnumerable{string})"/> with the
    /// same strings, which holds their text back.
    /// </summary>
    /// <param name="stopStrings">The strings, none of them empty, at most 65,536 characters together. Without any the condition is never
    /// met.</param>
    /// <exception cref="ArgumentException">A string is null or empty, or they are too long.</exception>
    public StopStringCondition CreateStopCondition(IEnumerable<string> stopStrings)
    {
        ArgumentNullException.ThrowIfNull(stopStrings);
        return new StopStringCondition(this, new StopStrings(stopStrings));
    }
}
