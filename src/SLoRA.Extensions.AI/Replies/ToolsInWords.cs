using System.Text.Json.Nodes;

namespace SLoRA.Extensions.AI.Replies;

/// <summary>
/// Tools, calls and results as plain words, for models whose chat template knows none of them. What the model is told here it answers in
/// <see cref="ToolCallFormat.GenericJson"/>.
/// </summary>
public static class ToolsInWords
{
    /// <summary>What the system says: which functions there are, and how to call them.</summary>
    /// <param name="tools">Definitions, as templates know them: objects with the member <c>function</c>.</param>
    public static string Describe(JsonArray tools)
    {
        ArgumentNullException.ThrowIfNull(tools);
        return "You can call these functions:\n" + string.Join('\n', tools.Select(tool => tool!["function"]!.ToJsonString()))
            + "\nTo call some of them, answer with nothing but a JSON array of calls: "
            + "[{\"name\": \"function name\", \"arguments\": {\"parameter name\": value}}]. If no call is needed, answer in words.";
    }

    /// <summary>What the assistant wrote when it called.</summary>
    /// <param name="text">What it said besides; empty for nothing.</param>
    /// <param name="calls">The calls, in order.</param>
    public static string Call(string text, IReadOnlyList<ToolCallPart> calls)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(calls);
        string written = new JsonArray([.. calls.Select(
            call => new JsonObject { ["name"] = call.Name, ["arguments"] = JsonNode.Parse(call.Arguments) })]).ToJsonString();
        return text.Length == 0 ? written : $"{text}\n{written}";
    }

    /// <summary>What the user says when a function has answered.</summary>
    /// <param name="name">The function, or the call's id where nobody knows it.</param>
    /// <param name="text">The answer.</param>
    public static string Result(string name, string text) => $"Result of {name}: {text}";
}
