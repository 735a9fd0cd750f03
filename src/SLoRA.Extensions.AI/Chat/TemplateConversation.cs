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
        string text = "";
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
                case TextContent part:
                    text += part.Text;
                    break;
                case FunctionCallContent call:
                    calls.Add(PartOf(call, calls.Count));
                    break;
                case FunctionResultContent result:
                    _messages.Add(MessageOf(result));
                    hasResults = true;
                    break;
                case UsageContent or ErrorContent:
                    break;
                default:
                    throw new InvalidRequestException("Messages",
                        $"Messages holds a {content?.GetType().Name ?? "null"}; the model reads text, calls and results alone.");
            }
        }

        if (preface.Length > 0 && message.Role == ChatRole.System)
        {
            text = text.Length == 0 ? preface : $"{preface}\n\n{text}";
        }
        else if (preface.Length > 0)
        {
            _messages.Insert(0, new TemplateMessage("system", preface));
        }

        if (message.Role == ChatRole.Assistant)
        {
            _messages.Add(Answer(text, reasoning, calls));
        }
        else if (!hasResults || text.Length > 0)
        {
            _messages.Add(new TemplateMessage(message.Role.Value, text));
        }
    }

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
            index, call.CallId, call.Name, JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(), ChatJson.Options));
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
        IEnumerable<AIContent> contents when contents.All(content => content is TextContent) =>
            string.Concat(contents.Cast<TextContent>().Select(content => content.Text)),
        { } value => JsonSerializer.Serialize(value, ChatJson.Options),
    };
}
