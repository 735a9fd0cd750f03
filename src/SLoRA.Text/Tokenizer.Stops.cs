namespace SLoRA.Text;

public sealed partial class Tokenizer
{
    /// <summary>
    /// What ends a request at the first of several strings, wherever token borders lie. Tokens of the answer that hold the beginning of a stop string
    /// are generated and published as any others: show the answer through <see cref="CreateStream"/> with the same strings, which holds their text back.
    /// </summary>
    /// <param name="stopStrings">The strings, none of them empty.</param>
    /// <param name="context">The ids that came before, usually the prompt; as for <see cref="CreateStream"/>.</param>
    /// <exception cref="ArgumentException">There is no string, or an empty one.</exception>
    public StopStringCondition CreateStopCondition(IEnumerable<string> stopStrings, ReadOnlySpan<int> context = default)
    {
        ArgumentNullException.ThrowIfNull(stopStrings);
        string[] stops = [.. stopStrings];
        if (stops.Length == 0 || stops.Any(string.IsNullOrEmpty))
        {
            throw new ArgumentException("Stop strings must be given, and none may be empty.", nameof(stopStrings));
        }

        int[] before = context.ToArray();
        return new StopStringCondition(() => CreateStream(before, stopStrings: stops));
    }
}
