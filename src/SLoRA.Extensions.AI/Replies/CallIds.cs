using System.Security.Cryptography;

namespace SLoRA.Extensions.AI.Replies;

/// <summary>The ids of calls, in the form that the templates of a format take, and each once in an answer.</summary>
/// <param name="New">A new id for the function's call with the index.</param>
/// <param name="IsTaken">Whether templates take an id that a model wrote.</param>
internal sealed record CallIds(Func<string, int, string> New, Func<string, bool> IsTaken)
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>Any text.</summary>
    public static CallIds Any { get; } = new((_, _) => "call_" + RandomNumberGenerator.GetString(Alphabet, 24), _ => true);

    /// <summary>Nine letters and digits.</summary>
    public static CallIds Mistral { get; } =
        new((_, _) => RandomNumberGenerator.GetString(Alphabet, 9), id => id.Length == 9 && id.All(char.IsAsciiLetterOrDigit));

    /// <summary>The function's name and the call's index: it stands in place of the name.</summary>
    public static CallIds Kimi { get; } = new((function, index) => $"functions.{function}:{index}", _ => true);

    /// <summary>The id that the model wrote, if templates take it and no call before has it; else a new one.</summary>
    /// <param name="call">The call.</param>
    /// <param name="index">Its place among the calls of the answer.</param>
    /// <param name="tried">
    /// The indices below this one have been tried, and are not tried again: else a model could make every call look at all before it.
    /// </param>
    /// <param name="used">The ids of the calls before.</param>
    public string Of(ToolCall call, int index, ref int tried, IReadOnlySet<string> used)
    {
        string? id = call.Id is not null && IsTaken(call.Id) ? call.Id : null;
        for (int i = Math.Max(index, tried); id is null || used.Contains(id); i++)
        {
            id = New(call.Name, i);
            tried = i + 1;
        }

        return id;
    }
}
