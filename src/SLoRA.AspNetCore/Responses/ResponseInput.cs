using System.Text;
using System.Text.Json;
using SLoRA.AspNetCore.Chat;
using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Json;
using SLoRA.Extensions.AI.Replies;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Responses;

/// <summary>
/// The input of a response as a conversation. What one turn of the model gave as several items, thoughts, words and calls, becomes one
/// message again.
/// </summary>
internal sealed class ResponseInput
{
    private const string Parameter = "input";

    private readonly ChatMessages _messages;
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _reasoning = new();
    private readonly List<ToolCallPart> _calls = [];
    private bool _hasTurn;

    private ResponseInput(AssistantMessageForm? form) => _messages = new ChatMessages(form);

    /// <summary>The conversation.</summary>
    /// <exception cref="ApiException">Something in it is not served.</exception>
    public static IReadOnlyList<TemplateMessage> Read(string? instructions, JsonElement? input, AssistantMessageForm? form)
    {
        var reader = new ResponseInput(form);
        if (instructions is not null)
        {
            reader._messages.AddText("system", instructions);
        }

        switch (input)
        {
            case { ValueKind: JsonValueKind.String } text:
                reader._messages.AddText("user", ElementText.Of(text, Parameter));
                break;
            case { ValueKind: JsonValueKind.Array } items when items.GetArrayLength() > 0:
                foreach (JsonElement item in items.EnumerateArray())
                {
                    reader.Add(item);
                }

                break;
            default:
                throw ApiException.Invalid(Parameter, "input must be a text or a list with at least one item.");
        }

        reader.EndTurn();
        return reader._messages.All;
    }

    private void Add(JsonElement item)
    {
        string type = item.ValueKind == JsonValueKind.Object ? ElementText.Member(item, "type", Parameter) ?? "message" : "nothing";
        switch (type)
        {
            case "message":
                AddMessage(item);
                break;
            case "reasoning":
                _hasTurn = true;
                _reasoning.Append(Thoughts(item));
                break;
            case "function_call":
                _hasTurn = true;
                _calls.Add(ChatMessages.Call(
                    _calls.Count, Required(item, "call_id"), Required(item, "name"),
                    ElementText.Member(item, "arguments", Parameter) ?? "{}", Parameter));
                break;
            case "function_call_output":
                EndTurn();
                string? output = item.TryGetProperty("output", out JsonElement value) ? ChatMessages.Content(value, "input.output") : null;
                _messages.AddResult(Required(item, "call_id"), output ?? "");
                break;
            default:
                throw ApiException.Unsupported(
                    Parameter, $"An item is of type '{type}'; message, reasoning, function_call and function_call_output are known.");
        }
    }

    private void AddMessage(JsonElement item)
    {
        string role = Required(item, "role");
        string text = (item.TryGetProperty("content", out JsonElement content) ? ChatMessages.Content(content, "input.content") : null)
            ?? throw ApiException.Invalid(Parameter, $"A message of the role '{role}' has no content.");
        if (role == "assistant")
        {
            // Words behind calls begin another turn.
            if (_calls.Count > 0 || _text.Length > 0)
            {
                EndTurn();
            }

            _hasTurn = true;
            _text.Append(text);
            return;
        }

        EndTurn();
        _messages.AddText(role, text);
    }

    private void EndTurn()
    {
        if (_hasTurn)
        {
            _messages.AddAnswer(_text.ToString(), _reasoning.ToString(), [.. _calls]);
        }

        _hasTurn = false;
        _text.Clear();
        _reasoning.Clear();
        _calls.Clear();
    }

    private static string? Thoughts(JsonElement item) =>
        item.TryGetProperty("content", out JsonElement content) && content.ValueKind == JsonValueKind.Array
            ? string.Concat(content.EnumerateArray()
                .Where(part => part.ValueKind == JsonValueKind.Object)
                .Select(part => ElementText.Member(part, "text", Parameter)))
            : null;

    private static string Required(JsonElement item, string name) => ElementText.Member(item, name, Parameter)
        ?? throw ApiException.Invalid(Parameter, $"An item has no {name}.");
}
