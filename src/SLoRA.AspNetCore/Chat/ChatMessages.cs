using System.Text.Json;
using System.Text.Json.Nodes;
using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Json;
using SLoRA.Extensions.AI.Replies;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Chat;

/// <summary>A conversation as OpenAI's bodies write it, as templates take it.</summary>
/// <param name="form">How the template takes earlier calls; null where it knows none: they are told in words.</param>
internal sealed class ChatMessages(AssistantMessageForm? form)
{
    private static readonly AssistantMessageForm PlainForm = new(HasNullContent: false, HasTextArguments: false);

    private const string Parameter = "messages";

    private readonly List<TemplateMessage> _messages = [];
    private readonly Dictionary<string, string> _namesOfCalls = new(StringComparer.Ordinal);

    /// <summary>All messages of a list.</summary>
    /// <exception cref="ApiException">It is no list, or something in it is not served.</exception>
    public static IReadOnlyList<TemplateMessage> Read(JsonElement? messages, AssistantMessageForm? form)
    {
        if (messages is not { ValueKind: JsonValueKind.Array } list || list.GetArrayLength() == 0)
        {
            throw ApiException.Invalid(Parameter, "messages must be a list with at least one message.");
        }

        var conversation = new ChatMessages(form);
        foreach (JsonElement message in list.EnumerateArray())
        {
            conversation.Add(message);
        }

        return conversation._messages;
    }

    /// <summary>What was said so far.</summary>
    public IReadOnlyList<TemplateMessage> All => _messages;

    /// <summary>Takes words of the system, the user or the assistant.</summary>
    /// <param name="role">Who speaks; a developer is the system to a template.</param>
    /// <param name="text">The words.</param>
    /// <param name="name">Who of several it is; null for nobody in particular.</param>
    public void AddText(string role, string text, string? name = null)
    {
        if (role is not ("system" or "developer" or "user" or "assistant"))
        {
            throw ApiException.Invalid(
                Parameter, $"A message has the role '{role}'; system, developer, user, assistant and tool are known.");
        }

        _messages.Add(new TemplateMessage(role == "developer" ? "system" : role, text)
        {
            Members = name is null ? new() : new Dictionary<string, JsonNode?> { ["name"] = name },
        });
    }

    /// <summary>Takes an answer with calls or thoughts.</summary>
    public void AddAnswer(string text, string reasoning, IReadOnlyList<ToolCallPart> calls)
    {
        foreach (ToolCallPart call in calls)
        {
            _namesOfCalls[call.Id] = call.Name;
        }

        _messages.Add(form is null && calls.Count > 0
            ? PlainForm.ToMessage(ToolsInWords.Call(text, calls), reasoning, [])
            : (form ?? PlainForm).ToMessage(text, reasoning, calls));
    }

    /// <summary>Takes what a tool has answered.</summary>
    public void AddResult(string callId, string text)
    {
        string? name = _namesOfCalls.GetValueOrDefault(callId);
        if (form is null)
        {
            _messages.Add(new TemplateMessage("user", ToolsInWords.Result(name ?? callId, text)));
            return;
        }

        var members = new Dictionary<string, JsonNode?> { ["tool_call_id"] = callId };
        if (name is not null)
        {
            // Some templates tell results by the function's name.
            members["name"] = name;
        }

        _messages.Add(new TemplateMessage("tool", text) { Members = members });
    }

    /// <summary>A call as the model is shown it.</summary>
    /// <exception cref="ApiException">The arguments are no JSON object.</exception>
    public static ToolCallPart Call(int index, string id, string name, string arguments, string parameter)
    {
        try
        {
            using JsonDocument parsed = JsonDocument.Parse(arguments.Length == 0 ? "{}" : arguments);
            if (parsed.RootElement.ValueKind == JsonValueKind.Object)
            {
                return new ToolCallPart(index, id, name, arguments.Length == 0 ? "{}" : arguments);
            }
        }
        catch (JsonException)
        {
        }

        throw ApiException.Invalid(parameter, $"The arguments of the call '{id}' are no JSON object.");
    }

    /// <summary>Text, or the texts of a list of parts; null where there is none.</summary>
    /// <exception cref="ApiException">A part is something else than text.</exception>
    public static string? Content(JsonElement content, string parameter)
    {
        if (content.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined)
        {
            return null;
        }

        return content.ValueKind == JsonValueKind.Array
            ? string.Join('\n', content.EnumerateArray().Select(part => Part(part, parameter)))
            : ElementText.Of(content, parameter);
    }

    private static string Part(JsonElement part, string parameter)
    {
        string? type = part.ValueKind == JsonValueKind.Object ? ElementText.Member(part, "type", parameter) : null;
        return type switch
        {
            "text" or "input_text" or "output_text" => ElementText.Member(part, "text", parameter),
            "refusal" => ElementText.Member(part, "refusal", parameter),
            _ => throw ApiException.Unsupported(parameter, $"A part of a message is of type '{type}'; this server reads text alone."),
        } ?? throw ApiException.Invalid(parameter, $"A part of type '{type}' has no text.");
    }

    private void Add(JsonElement message)
    {
        string role = (message.ValueKind == JsonValueKind.Object ? ElementText.Member(message, "role", Parameter) : null)
            ?? throw ApiException.Invalid(Parameter, "A message is no object with a role.");
        string? text = message.TryGetProperty("content", out JsonElement content) ? Content(content, "messages.content") : null;
        if (role == "tool")
        {
            AddResult(
                ElementText.Member(message, "tool_call_id", Parameter)
                    ?? throw ApiException.Invalid(Parameter, "A message of a tool has no tool_call_id."),
                text ?? "");
            return;
        }

        string reasoning = ElementText.Member(message, "reasoning_content", Parameter) ?? "";
        IReadOnlyList<ToolCallPart> calls = role == "assistant" ? Calls(message) : [];
        if (calls.Count > 0 || (role == "assistant" && reasoning.Length > 0))
        {
            AddAnswer(text ?? "", reasoning, calls);
            return;
        }

        AddText(
            role, text ?? throw ApiException.Invalid(Parameter, $"A message of the role '{role}' has no content."),
            ElementText.Member(message, "name", Parameter));
    }

    private static List<ToolCallPart> Calls(JsonElement message)
    {
        var calls = new List<ToolCallPart>();
        if (!message.TryGetProperty("tool_calls", out JsonElement list) || list.ValueKind != JsonValueKind.Array)
        {
            return calls;
        }

        foreach (JsonElement call in list.EnumerateArray())
        {
            if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("function", out JsonElement function)
                || function.ValueKind != JsonValueKind.Object)
            {
                throw ApiException.Invalid(Parameter, "A tool call is no call of a function.");
            }

            calls.Add(Call(
                calls.Count,
                ElementText.Member(call, "id", Parameter) ?? throw ApiException.Invalid(Parameter, "A tool call has no id."),
                ElementText.Member(function, "name", Parameter) ?? throw ApiException.Invalid(Parameter, "A tool call has no name."),
                ElementText.Member(function, "arguments", Parameter) ?? "{}",
                Parameter));
        }

        return calls;
    }
}
