using System.Text.Json;
using Microsoft.Extensions.AI;
using SLoRA.Extensions.AI.Replies;

namespace SLoRA.Extensions.AI;

/// <summary>Between the parts of an answer and the contents of Microsoft.Extensions.AI.</summary>
internal static class ReplyContents
{
    /// <summary>
    /// A part as content. The arguments of a call are values of JSON by name, as function invocation takes them; what keeps them from being
    /// read is the content's exception.
    /// </summary>
    public static AIContent ToContent(ReplyPart part) => part switch
    {
        TextPart text => new TextContent(text.Text),
        ReasoningPart reasoning => new TextReasoningContent(reasoning.Text),
        ToolCallPart call => FunctionCallContent.CreateFromParsedArguments(call.Arguments, call.Id, call.Name, ReadArguments),
        _ => throw new ArgumentException($"There is no content for a part of type {part.GetType().Name}.", nameof(part)),
    };

    /// <summary>The declarations of the tools that are functions; others have no name that a model could call.</summary>
    public static IReadOnlyList<ToolDeclaration> ToDeclarations(IEnumerable<AITool>? tools) =>
        [.. (tools ?? []).OfType<AIFunctionDeclaration>().Select(tool => new ToolDeclaration(tool.Name, tool.JsonSchema))];

    private static Dictionary<string, object?> ReadArguments(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        var arguments = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (JsonProperty argument in document.RootElement.EnumerateObject())
        {
            arguments[argument.Name] = argument.Value.ValueKind == JsonValueKind.Null ? null : argument.Value.Clone();
        }

        return arguments;
    }
}
