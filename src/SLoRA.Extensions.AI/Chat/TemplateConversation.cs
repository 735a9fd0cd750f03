using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using SLoRA.Extensions.AI.Replies;
using SLoRA.Text;

namespace SLoRA.Extensions.AI.Chat;

/// <summary>Turns chat messages into what a template takes.</summary>
internal sealed class TemplateConversation
{
    private static readonly AssistantMessageForm PlainForm = new(HasNullContent: false, HasTextArguments: false);

    private readonly ChatDialect _dialect;
    private readonly List<TemplateMessage> _messages = [];
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    private TemplateConversation(ChatDialect dialect) => _dialect = dialect;

    /// <summary>The messages of a conversation.</summary>
    /// <param name="messages">The conversation, oldest first.</param>
    /// <param name="preface">
    /// What the system says before: one message with the system's own first one, because templates know only one. Empty for nothing.
    /// </param>
    /// <param name="dialect">How the template takes calls.</param>
    /// <exception cref="InvalidRequestException">A message holds what has no place in a prompt.</exception>
    public static IReadOnlyList<TemplateMessage> Of(IEnumerable<ChatMessage> messages, string preface, ChatDialect dialect)
    {
        var conversation = new TemplateConversation(dialect);
        bool isFirst = true;
        foreach (ChatMessage message in messages)
        {
            if (message is null)
            {
                throw new InvalidRequestException("Messages", "Messages holds null.");
            }

            conversation.Add(message, isFirst ? preface : "");
            isFirst = false;
        }

        return isFirst ? throw new InvalidRequestException("Messages", "Messages is empty; there is nothing to answer.")
            : conversation._messages;
    }

    private void Add(ChatMessage message, string preface)
    {
        string role = RoleOf(message);
        if (preface.Length > 0 && role != "system")
        {
            _messages.Add(new TemplateMessage("system", preface));
            preface = "";
        }

        string text = preface;
        string separator = preface.Length > 0 ? "\n\n" : "";
        string reasoning = "";
        List<ToolCallPart> calls = [];
        bool hasResults = false;
        foreach (AIContent content in message.Contents)
        {
            switch (content)
            {
                case TextReasoningContent thought:
                    reasoning += thought.Text;
                    break;
                case TextContent { Text: "" }:
                    break;
                case TextContent part:
                    text += separator + part.Text;
                    separator = "";
                    break;
                case FunctionCallContent call when role == "assistant":
                    calls.Add(PartOf(call, calls.Count));
                    break;
                case FunctionCallContent call:
                    throw Unreadable($"a call of '{call.Name}' by the role '{role}'; only the assistant calls.");
                case FunctionResultContent result:
                    if (role == "assistant" && (text.Length > 0 || reasoning.Length > 0 || calls.Count > 0))
                    {
                        // The whole of a turn in one message: a result stands behind its call.
                        _messages.Add(Answer(text, reasoning, calls));
                        (text, reasoning, calls) = ("", "", []);
                    }

                    _messages.Add(MessageOf(result));
                    hasResults = true;
                    break;
                case UsageContent or ErrorContent:
                    break;
                default:
                    throw Unreadable($"a {content?.GetType().Name ?? "null"}; the model reads text, calls and results alone.");
            }
        }

        if (hasResults && text.Length == 0 && reasoning.Length == 0 && calls.Count == 0)
        {
            return;
        }

        _messages.Add(role == "assistant" ? Answer(text, reasoning, calls) : new TemplateMessage(role, text));
    }

    // Roles are equal without regard to case, and templates compare with it. The developer is the system to most templates.
    private static string RoleOf(ChatMessage message) => message.Role.Value?.ToLowerInvariant() switch
    {
        null => throw Unreadable("a message without a role."),
        "developer" => "system",
        string role => role,
    };

    private TemplateMessage Answer(string text, string reasoning, List<ToolCallPart> calls)
    {
        if (calls.Count == 0 || _dialect.CallForm is not null)
        {
            return (_dialect.CallForm ?? PlainForm).ToMessage(text, reasoning, calls);
        }

        return PlainForm.ToMessage(ToolsInWords.Call(text, calls), reasoning, []);
    }

    private ToolCallPart PartOf(FunctionCallContent call, int index)
    {
        _names[call.CallId] = call.Name;
        return new ToolCallPart(
            index, call.CallId, call.Name, Json(call.Arguments ?? new Dictionary<string, object?>(), $"arguments of '{call.Name}'"));
    }

    private TemplateMessage MessageOf(FunctionResultContent result)
    {
        string? name = _names.GetValueOrDefault(result.CallId);
        string text = ResultText(result);
        if (_dialect.CallForm is null)
        {
            return new TemplateMessage("user", ToolsInWords.Result(name ?? result.CallId, text));
        }

        var members = new Dictionary<string, JsonNode?> { ["tool_call_id"] = result.CallId };
        if (name is not null)
        {
            members["name"] = name;
        }

        return new TemplateMessage("tool", text) { Members = members };
    }

    private static string ResultText(FunctionResultContent result) => result.Result switch
    {
        null => result.Exception is null ? "" : "Error: the function failed.",
        string text => text,
        TextContent content => content.Text,
        JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
        IEnumerable<AIContent> contents => string.Concat(contents.Select(
            content => content is TextContent part ? part.Text : throw UnreadableResult(content))),
        AIContent content => throw UnreadableResult(content),
        { } value => Json(value, $"a result of the call '{result.CallId}'"),
    };

    private static string Json(object value, string what)
    {
        try
        {
            return JsonSerializer.Serialize(value, ChatJson.Options);
        }
        catch (Exception error) when (error is JsonException or NotSupportedException or ArgumentException or InvalidOperationException)
        {
            throw new InvalidRequestException("Messages", $"Messages holds {what} that cannot be JSON: {error.Message}", error);
        }
    }

    private static InvalidRequestException UnreadableResult(AIContent? content) =>
        Unreadable($"a {content?.GetType().Name ?? "null"} in a result; the model reads text alone.");

    private static InvalidRequestException Unreadable(string what) => new("Messages", $"Messages holds {what}");
}
