using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace SLoRA.Extensions.AI.Chat;

/// <summary>A function as chat templates take it.</summary>
internal sealed record ToolDefinition(string Name, string Description, JsonNode? Parameters)
{
    /// <summary>The functions of a request.</summary>
    /// <exception cref="InvalidRequestException">A tool is no function: nobody here could run it.</exception>
    public static IReadOnlyList<AIFunctionDeclaration> Functions(IEnumerable<AITool>? tools) =>
        [.. (tools ?? []).Select(tool => tool as AIFunctionDeclaration ?? throw new InvalidRequestException(
            nameof(ChatOptions.Tools), $"Tools holds '{tool?.Name}', a {tool?.GetType().Name ?? "null"}; only functions can be called."))];

    /// <summary>The definitions of functions, as the list that templates know as <c>tools</c>.</summary>
    public static JsonArray ToJson(IEnumerable<AIFunctionDeclaration> functions) => new([.. functions.Select(
        function => new ToolDefinition(
            function.Name, function.Description, JsonNode.Parse(function.JsonSchema.GetRawText())).ToJson())]);

    public JsonNode ToJson() => new JsonObject
    {
        ["type"] = "function",
        ["function"] = new JsonObject { ["name"] = Name, ["description"] = Description, ["parameters"] = Parameters?.DeepClone() },
    };
}
