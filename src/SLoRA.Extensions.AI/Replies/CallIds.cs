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
    public string Of(ToolCall call, int index, IReadOnlySet<string> used)
    {
        string? id = call.Id is not null && IsTaken(call.Id) ? call.Id : null;
        for (int i = index; id is null || used.Contains(id); i++)
        {
            id = New(call.Name, i);
        }

        return id;
    }
}
